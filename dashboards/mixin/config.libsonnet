// What you can change: import mixin.libsonnet and add `{ _config+:: { … } }`.
{
  _config+:: {
    // Where your Grafana with these boards is, without a slash at the end, as 'https://grafana.example'. Alerts link to it.
    grafanaUrl: '',

    // Where your team reads the documents of credwatch. Alerts and boards link to runbooks.md below it.
    docsUrl: 'https://github.com/credwatch/credwatch/blob/main/docs',

    // Settings of the rules that differ from alerts.yml and recording.yml: the name of the record, and a number or a text in
    // PromQL, as in { 'credwatch:runway_page:seconds': 3600 }.
    settings: {},

    // A runway of its own for a provider, in seconds, as in { 'billing-api': 3600 }.
    runwayPageOf: {},

    // The label of providers that the boards offer as a filter, beside the owner and the API.
    teamLabel: 'team',

    // The scheme of the page of a credwatch without --web.external-url.
    scheme: 'http',

    dashboardTags: ['credwatch'],
    dashboardRefresh: '30s',
  },
}
