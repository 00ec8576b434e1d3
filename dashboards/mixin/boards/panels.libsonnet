// Panels of Grafana with the defaults that all boards share. A panel has no position; layout.libsonnet sets it.
local source = { type: 'prometheus', uid: '${datasource}' };
local steps(pairs) = { mode: 'absolute', steps: [{ color: pair[1], value: pair[0] } for pair in pairs] };
local plain = steps([[null, 'text']]);

{
  source:: source,

  // Thresholds: [value, colour] in ascending order; the first value is null.
  thresholds(pairs):: { id: 'thresholds', value: steps(pairs) },

  // Queries. `instant` is for tables and numbers.
  local target(expr, letter) = { datasource: source, editorMode: 'code', expr: expr, refId: letter },
  instant(expr, legend=null):: { expr:: expr, part:: { instant: true, range: false } + (if legend == null then {} else { legendFormat: legend }) },
  range(expr, legend):: { expr:: expr, part:: { instant: false, range: true, legendFormat: legend } },
  local lettered(queries, more={}) = [target(queries[index].expr, std.char(65 + index)) + queries[index].part + more for index in std.range(0, std.length(queries) - 1)],

  local panel(type, title, description) = {
    type: type,
    title: title,
    description: description,
    datasource: source,
  },

  stat(title, description, queries, options={}):: panel('stat', title, description) {
    targets: lettered(queries),
    fieldConfig: {
      defaults: {
        unit: std.get(options, 'unit', 'none'),
        color: { mode: 'thresholds' },
        thresholds: steps(std.get(options, 'steps', [[null, 'text']])),
        noValue: std.get(options, 'none', 'no data'),
      } + (if std.objectHas(options, 'decimals') then { decimals: options.decimals } else {})
        + (if std.objectHas(options, 'mappings') then { mappings: options.mappings } else {}),
      overrides: std.get(options, 'overrides', []),
    },
    options: {
      colorMode: std.get(options, 'colour', 'value'),
      graphMode: 'none',
      justifyMode: 'center',
      orientation: 'auto',
      percentChangeColorMode: 'standard',
      showPercentChange: false,
      textMode: std.get(options, 'text', 'value'),
      wideLayout: std.get(options, 'wide', true),
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  },

  // Colours everything that a query returns: a query for each side of a threshold that is itself a series.
  coloured(letter, colour):: { matcher: { id: 'byFrameRefID', options: letter }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }] },
  named(name, properties):: { matcher: { id: 'byName', options: name }, properties: properties },
  line(name, colour):: self.named(name, [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }]),
  // A threshold in a graph: a dashed line without points.
  limit(name):: self.named(name, [
    { id: 'color', value: { mode: 'fixed', fixedColor: 'red' } },
    { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 6] } },
    { id: 'custom.showPoints', value: 'never' },
    { id: 'custom.fillOpacity', value: 0 },
  ]),

  // A table. A column is [field, name, properties]; the order of the columns is that of the list. Further fields come behind.
  // Grafana computes the height of a row from values and not from their mappings, so a table with mapped sentences needs 'lg'.
  // `limit` keeps the first rows, which are those of the first query; so it needs an order, as that of bottomk.
  table(title, description, queries, columns, sort, options={}):: panel('table', title, description) {
    targets: lettered(queries, { format: 'table' }),
    transformations: [{ id: 'merge', options: {} }]
                     + (if std.objectHas(options, 'limit') then [{ id: 'limit', options: { limitField: options.limit } }] else []) + [
      { id: 'organize', options: {
        excludeByName: { [name]: true for name in ['Time', '__name__', 'job'] + std.get(options, 'hidden', []) },
        includeByName: {},
        indexByName: { [columns[index][0]]: index for index in std.range(0, std.length(columns) - 1) },
        renameByName: { [column[0]]: column[1] for column in columns },
      } },
    ],
    fieldConfig: {
      defaults: {
        unit: 'none',
        color: { mode: 'thresholds' },
        thresholds: plain,
        custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, filterable: std.get(options, 'filterable', false) },
        noValue: std.get(options, 'none', 'no data'),
      },
      overrides: [{ matcher: { id: 'byRegexp', options: '/.*/' }, properties: [{ id: 'noValue', value: '–' }] }]
                 + [$.named(column[1], column[2]) for column in columns if std.length(column) > 2],
    },
    options: {
      cellHeight: std.get(options, 'height', 'sm'),
      frameIndex: 0,
      showHeader: true,
      sortBy: [{ displayName: std.lstripChars(name, '-'), desc: std.startsWith(name, '-') } for name in sort],
    },
  },

  // Properties of columns.
  width(pixels):: { id: 'custom.width', value: pixels },
  wide(pixels):: { id: 'custom.minWidth', value: pixels },
  wrap:: { id: 'custom.wrapText', value: true },
  left:: { id: 'custom.align', value: 'left' },
  unit(name, decimals=null):: [{ id: 'unit', value: name }] + (if decimals == null then [] else [{ id: 'decimals', value: decimals }]),
  mapped(mappings):: { id: 'mappings', value: mappings },
  links(list):: { id: 'links', value: list },
  cell:: { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
  ink:: { id: 'custom.cellOptions', value: { type: 'color-text' } },
  gauge:: { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' } },

  graph(title, description, queries, options={}):: panel('timeseries', title, description) {
    targets: lettered(queries),
    fieldConfig: {
      defaults: {
        unit: std.get(options, 'unit', 'none'),
        color: std.get(options, 'palette', { mode: 'palette-classic' }),
        thresholds: plain,
        noValue: std.get(options, 'none', 'no data'),
        custom: {
          drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none',
          showPoints: 'auto', pointSize: 4, spanNulls: 3600000, stacking: { group: 'A', mode: 'none' },
          axisPlacement: 'auto', axisLabel: '', scaleDistribution: { type: 'linear' },
          hideFrom: { legend: false, tooltip: false, viz: false }, thresholdsStyle: { mode: 'off' },
        } + std.get(options, 'custom', {}),
      } + (if std.objectHas(options, 'links') then { links: options.links } else {})
        + (if std.objectHas(options, 'decimals') then { decimals: options.decimals } else {})
        + (if std.objectHas(options, 'max') then { max: options.max } else {}),
      overrides: std.get(options, 'overrides', []),
    },
    options: {
      legend: std.get(options, 'legend', { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true }),
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  } + (if std.objectHas(options, 'interval') then { interval: options.interval } else {}),
  bars:: { drawStyle: 'bars', fillOpacity: 80, lineWidth: 0, showPoints: 'never', stacking: { group: 'A', mode: 'normal' }, axisSoftMin: 0 },
  areas:: { fillOpacity: 70, lineWidth: 0, showPoints: 'never', stacking: { group: 'A', mode: 'normal' }, axisSoftMin: 0 },
  legendTable:: { calcs: ['lastNotNull'], displayMode: 'table', placement: 'right', showLegend: true, sortBy: 'Last *', sortDesc: false },

  barGauge(title, description, queries, options={}):: panel('bargauge', title, description) {
    targets: lettered(queries),
    fieldConfig: {
      defaults: {
        unit: std.get(options, 'unit', 'none'), min: 0, color: { mode: 'fixed', fixedColor: 'blue' }, thresholds: plain,
        noValue: std.get(options, 'none', 'no data'), links: std.get(options, 'links', []),
      },
      overrides: [],
    },
    options: {
      displayMode: 'basic', maxVizHeight: 28, minVizHeight: 16, minVizWidth: 8, namePlacement: 'left', orientation: 'horizontal',
      showUnfilled: true, sizing: 'auto', valueMode: 'color',
      legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: false },
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  },

  timeline(title, description, queries, options={}):: panel('state-timeline', title, description) {
    targets: lettered(queries),
    fieldConfig: {
      defaults: {
        unit: 'none', color: { mode: 'thresholds' }, thresholds: plain, mappings: std.get(options, 'mappings', []),
        noValue: std.get(options, 'none', 'no data'), links: std.get(options, 'links', []),
        custom: { fillOpacity: 80, lineWidth: 0, hideFrom: { legend: false, tooltip: false, viz: false } },
      },
      overrides: [],
    },
    options: {
      alignValue: 'left', mergeValues: true, rowHeight: 0.8, showValue: 'auto', tooltip: { mode: 'single', sort: 'none' },
      legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
    },
  } + (if std.objectHas(options, 'interval') then { interval: options.interval } else {}),

  // Grafana's list of alerts, of all data sources whose rules Grafana can read. `labels` are matchers.
  alertList(title, description, labels):: panel('alertlist', title, description) {
    options: {
      alertInstanceLabelFilter: labels, alertName: 'Credwatch', dashboardAlerts: false, datasource: '', groupBy: [], groupMode: 'default',
      maxItems: 20, showInactiveAlerts: false, sortOrder: 3, viewMode: 'list',
      stateFilter: { 'error': false, firing: true, noData: false, normal: false, pending: false, recovering: false },
    },
  },

  row(title, panels, open=false):: { title: title, panels: panels, open: open },
}
