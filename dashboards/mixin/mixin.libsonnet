// The Prometheus mixin of credwatch: alerts, recording rules and Grafana boards. ../README.md says how to use it.
(import 'config.libsonnet')
+ (import 'rules.libsonnet')
+ {
  grafanaDashboards+:: {
    'credwatch-overview.json': (import 'boards/overview.libsonnet')($._config),
    'credwatch-provider.json': (import 'boards/provider.libsonnet')($._config),
  },
}
