// What you can change: import main.libsonnet and add `{ _config+:: { … } }`.
{
  _config+:: {
    name: 'credwatch',

    // Without a namespace, `kubectl -n NAMESPACE apply` decides.
    namespace: null,

    // Build the image with deploy/container/Containerfile. Use the name of your registry, and a version or digest.
    image: 'credwatch:' + $.version,

    // Labels of all objects.
    labels: {},

    // Further labels of ServiceMonitor, PrometheusRule and ScrapeConfig. A Prometheus of the operator selects them by labels: often
    // { release: 'kube-prometheus-stack' }.
    operatorLabels: {},

    // The configuration of credwatch, and the credentials that it names. Without credentials there is no Secret: create an object
    // of this name from your secret store.
    configuration: importstr 'credwatch.toml',
    credentials: { 'billing-api-id': 'the-id-of-the-client', 'billing-api-secret': 'put-the-secret-here' },

    // The number of pods of the StatefulSet. Each watches a share of the providers.
    shards: 3,

    // Further arguments, such as ['--web.external-url=https://credwatch.example.com'], which alerts link to.
    arguments: [],

    // The volume for the state and the history: 10 kB for each provider. null is the default class of the cluster.
    stateSize: '1Gi',
    storageClass: null,

    // docs/scaling.md has what is needed: 51 MB for 10,000 providers. The limit leaves more than twice that, for reloads and
    // for several scrapes at a time.
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },

    // You can choose any scrape interval, because credwatch probes on its own schedule.
    scrapeInterval: '30s',

    // The credwatch that do not run in this cluster, for ScrapeConfig.
    targetsOutside: ['credwatch.example.com:9797'],

    // The label with which the sidecar of Grafana finds boards.
    dashboardLabels: { grafana_dashboard: '1' },

    // Settings of rules and boards, as dashboards/mixin/config.libsonnet has them.
    mixin: {},
  },
}
