// The Kubernetes objects of credwatch. docs/install.md says how to use them; config.libsonnet has what you can change.
(import 'config.libsonnet')
+ (import 'pods.libsonnet')
+ {
  local config = $._config,
  local mixin = (import '../../dashboards/mixin/mixin.libsonnet') { _config+:: config.mixin },

  // The version of the package: the first line `version = "…"`.
  version:: [std.split(line, '"')[1] for line in std.split(importstr '../../Cargo.toml', '\n') if std.startsWith(line, 'version = ')][0],

  // What `kubectl apply -f -` takes.
  list(objects):: { apiVersion: 'v1', kind: 'List', items: objects },

  configMap:: {
    comment:: 'The configuration. credwatch reads it again shortly after Kubernetes has updated the files.',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: $.metadata(),
    data: { 'credwatch.toml': config.configuration },
  },

  secret:: {
    comment:: |||
      The credentials. Each is one file. These values are examples, so create this object from your secret store. credwatch reads
      the files for each probe, so a rotated secret needs no restart.
    |||,
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: $.metadata(),
    type: 'Opaque',
    stringData: config.credentials,
  },

  service:: {
    comment:: 'The address that Prometheus scrapes. It has no TLS and no login, so do not expose it outside the cluster.',
    apiVersion: 'v1',
    kind: 'Service',
    metadata: $.metadata(),
    spec: {
      selector: $.selected,
      ports: [{ name: 'http', port: 9797, targetPort: 'http' }],
    },
  },

  volume:: {
    comment:: 'What credwatch knows over a restart, and the history. It holds no secret.',
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: $.metadata('-state'),
    spec: $.stateClaim,
  },

  deployment:: {
    comment:: |||
      One credwatch, with the restrictions of the Pod Security Standard "restricted" and with further restrictions. Two replicas
      would request twice as many tokens.
    |||,
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: $.metadata(),
    spec: {
      replicas: 1,
      // The old pod ends before the new one starts, because both use the volume.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: $.selected },
      template: $.podTemplate([], [{ name: 'state', persistentVolumeClaim: { claimName: config.name + '-state' } }]),
    },
  },

  shardService:: $.service {
    comment:: |||
      The address of each pod: credwatch-0.credwatch, credwatch-1.credwatch … It has no TLS and no login, so do not expose it
      outside the cluster.
    |||,
    spec+: { clusterIP: 'None' },
  },

  statefulSet:: {
    comment:: |||
      Several credwatch. Each watches a share of the providers, and has its own volume. `replicas` and the number in `--shard` must be
      equal, so change both together and do not use `kubectl scale` or an autoscaler.
    |||,
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: $.metadata(),
    spec: {
      replicas: config.shards,
      serviceName: config.name,
      // No pod waits for another one.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: $.selected },
      template: $.podTemplate(['--shard=$(POD_NAME)/%d' % config.shards], hosts=[config.name, '$(POD_NAME).' + config.name]),
      volumeClaimTemplates: [{ metadata: { name: 'state' }, spec: $.stateClaim }],
    },
  },

  local ofOperator = { metadata: $.metadata() + { labels+: config.operatorLabels } },

  serviceMonitor:: ofOperator {
    comment:: 'Makes the Prometheus of the operator scrape each pod. The name of the pod is the label `instance`.',
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    spec: {
      selector: { matchLabels: $.selected },
      endpoints: [{
        port: 'http',
        path: '/metrics',
        interval: config.scrapeInterval,
        // A pod of a StatefulSet keeps its name at a restart, but not its address.
        relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_name'], targetLabel: 'instance' }],
      }],
    },
  },

  prometheusRule:: ofOperator {
    comment:: 'The rules of dashboards/alerts.yml and dashboards/recording.yml, where comments explain them.',
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    spec: { groups: mixin.prometheusAlerts.groups + mixin.prometheusRules.groups },
  },

  scrapeConfig:: {
    comment:: 'Makes the Prometheus of the operator scrape a credwatch outside the cluster, for example one from the Debian package.',
    apiVersion: 'monitoring.coreos.com/v1alpha1',
    kind: 'ScrapeConfig',
    metadata: $.metadata('-outside') + { labels+: config.operatorLabels },
    spec: {
      staticConfigs: [{ targets: config.targetsOutside, labels: { job: config.name } }],
      scrapeInterval: config.scrapeInterval,
    },
  },

  dashboards:: [
    {
      comment:: 'A board for the Grafana of kube-prometheus-stack and others whose sidecar looks for this label.',
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: $.metadata('-board' + std.strReplace(std.strReplace(file, 'credwatch', ''), '.json', '')) + { labels+: config.dashboardLabels },
      data: { [file]: std.toString(mixin.grafanaDashboards[file]) },
    }
    for file in std.objectFields(mixin.grafanaDashboards)
  ],

  // The objects that belong together. One credwatch needs `config` and `one`; several need `config` and `sharded`.
  config:: [$.configMap] + (if config.credentials == {} then [] else [$.secret]),
  one:: [$.volume, $.deployment, $.service],
  sharded:: [$.statefulSet, $.shardService],
  operator:: [$.serviceMonitor, $.prometheusRule],
  outside:: [$.scrapeConfig],
}
