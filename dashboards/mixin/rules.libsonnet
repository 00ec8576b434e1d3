// The rules of alerts.yml and recording.yml, with the values of `_config`. The YAML files are the source: their comments say why
// each rule is as it is.
local alerts = (import 'yaml.libsonnet')(importstr '../alerts.yml');
local recording = (import 'yaml.libsonnet')(importstr '../recording.yml');

{
  local config = $._config,

  // The address in the YAML files, which `docsUrl` replaces.
  local docs = 'https://github.com/credwatch/credwatch/blob/main/docs',

  // A setting is a record without labels whose expression is vector(…).
  local isSetting(rule) = std.objectHas(rule, 'record') && std.startsWith(rule.expr, 'vector('),
  local known = [rule.record for group in alerts + recording for rule in group.rules if isSetting(rule)],
  local unknown = std.setDiff(std.objectFields(config.settings), std.set(known)),

  local set(rule) =
    if isSetting(rule) && std.objectHas(config.settings, rule.record)
    then rule { expr: 'vector(%s)' % config.settings[rule.record] }
    else rule,

  local linked(rule) =
    if std.objectHas(rule, 'annotations')
    then rule { annotations: { [name]: std.strReplace(rule.annotations[name], docs, config.docsUrl) for name in std.objectFields(rule.annotations) } }
    else rule,

  // Records that alerts.yml has only as comments, because they have no default.
  local added =
    (if config.grafanaUrl == '' then [] else [{ record: 'credwatch:grafana:url', labels: { url: config.grafanaUrl }, expr: 'vector(1)' }])
    + [
      { record: 'credwatch:runway_page_of:seconds', labels: { provider: provider }, expr: 'vector(%s)' % config.runwayPageOf[provider] }
      for provider in std.objectFields(config.runwayPageOf)
    ],

  local group(group) = group {
    rules: (if group.name == 'credwatch' then added else []) + [linked(set(rule)) for rule in group.rules],
  },
  local groups = [group(one) for one in alerts + recording],
  local hasAlerts(group) = std.length([0 for rule in group.rules if std.objectHas(rule, 'alert')]) > 0,

  assert unknown == [] : 'settings: there is no %s; there are %s' % [std.join(', ', unknown), std.join(', ', known)],

  // A group stays whole, because alerts use what the records before them have computed in the same evaluation.
  prometheusAlerts+:: { groups+: [group for group in groups if hasAlerts(group)] },
  prometheusRules+:: { groups+: [group for group in groups if !hasAlerts(group)] },
}
