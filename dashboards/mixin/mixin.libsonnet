// The Prometheus mixin of credwatch: alerts, recording rules and Grafana boards. ../README.md says how to use it.
(import 'config.libsonnet')
+ (import 'rules.libsonnet')
+ {
  grafanaDashboards+:: {
    'credwatch-overview.json': import '../credwatch-overview.json',
    'credwatch-provider.json': import '../credwatch-provider.json',
  },
}
