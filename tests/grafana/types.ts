// The types of the dashboards in this repository, built from Grafana's own published types.
//
// The package types some members as `unknown` or as records, because panels, data sources and transformations define
// them. This file sets the types of panel options and field configurations, which the package has. The types that only
// Grafana's core has are written by hand, and their comments begin with "By hand".

import type { DashboardCursorSync, DataQuery, DataSourceRef } from '@grafana/schema';
import type * as raw from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** The same type with each enum as a union of its values, so that the compiler accepts JSON. */
export type Plain<T> = 0 extends 1 & T
  ? T
  : T extends string
    ? string extends T
      ? T
      : `${T}`
    : T extends number
      ? number extends T
        ? T
        : `${T}` extends `${infer N extends number}`
          ? N
          : T
      : T extends boolean | null | undefined
        ? T
        : T extends Array<infer Item>
          ? Array<Plain<Item>>
          : T extends object
            ? { [Key in keyof T]: Plain<T[Key]> }
            : T;

type Change<T, U> = Omit<T, keyof U> & U;

/** By hand: `@grafana/data` has it. */
interface DataLink {
  title: string;
  url: string;
  targetBlank: boolean;
}

/** By hand: the query of the Prometheus data source. */
interface PrometheusQuery extends Change<DataQuery, { datasource: DataSourceRef }> {
  editorMode: 'code';
  expr: string;
  format?: 'table';
  instant: boolean;
  range: boolean;
  legendFormat?: string;
}

/** By hand: the transformations that the dashboards use. */
type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | { id: 'limit'; options: { limitField: number } }
  | {
      id: 'organize';
      options: {
        excludeByName: Record<string, boolean>;
        includeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };

type Field<Custom> = Change<Plain<raw.FieldConfig>, { links?: DataLink[]; custom?: Custom }>;

/** An override of a property, with the type of that property's value. */
type Property<Custom> =
  | { [Key in keyof Field<Custom> & string]-?: { id: Key; value: Exclude<Field<Custom>[Key], undefined> } }[keyof Field<Custom> & string]
  | { [Key in keyof Custom & string]-?: { id: `custom.${Key}`; value: Exclude<Custom[Key], undefined> } }[keyof Custom & string];

interface FieldConfig<Custom> {
  defaults: Field<Custom>;
  overrides: Array<{ matcher: { id: 'byName' | 'byRegexp' | 'byFrameRefID'; options: string }; properties: Array<Property<Custom>> }>;
}

type PanelOf<Type extends string, Options, Custom> = Change<
  Plain<raw.Panel>,
  {
    id: number;
    type: Type;
    datasource: DataSourceRef;
    targets: PrometheusQuery[];
    transformations?: Transformation[];
    options: Plain<Options>;
    fieldConfig: FieldConfig<Plain<Custom>>;
  }
>;

/** By hand: the list of alerts, which has no published types. */
interface AlertList {
  alertInstanceLabelFilter: string;
  alertName: string;
  dashboardAlerts: boolean;
  datasource: string;
  groupBy: string[];
  groupMode: 'default' | 'custom';
  maxItems: number;
  showInactiveAlerts: boolean;
  sortOrder: 1 | 2 | 3 | 4 | 5;
  stateFilter: { error: boolean; firing: boolean; noData: boolean; normal: boolean; pending: boolean; recovering: boolean };
  viewMode: 'list' | 'stat';
}

/** The panels that the dashboards use, by type. */
export interface Panels {
  alertlist: Change<Plain<raw.Panel>, { id: number; type: 'alertlist'; datasource: DataSourceRef; options: AlertList; targets?: never; fieldConfig?: never }>;
  bargauge: PanelOf<'bargauge', bargauge.Options, Record<never, never>>;
  row: Plain<raw.RowPanel>;
  stat: PanelOf<'stat', stat.Options, Record<never, never>>;
  'state-timeline': PanelOf<'state-timeline', stateTimeline.Options, stateTimeline.FieldConfig>;
  table: PanelOf<'table', table.Options, table.FieldConfig>;
  timeseries: PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;
}

/** By hand: the members that an annotation of the Prometheus data source adds to every annotation. */
type Annotation =
  | Plain<raw.AnnotationQuery>
  | Change<
      Plain<raw.AnnotationQuery>,
      {
        target: { refId: string; expr: string; interval: string };
        titleFormat: string;
        textFormat: string;
        tagKeys: string;
        useValueForTime: boolean;
      }
    >;

type Variable = Change<Plain<raw.VariableModel>, { query: string | { qryType: 1; query: string; refId: string } }>;

/** A dashboard without its panels. Each panel is checked separately. */
export type Dashboard = Change<
  Plain<raw.Dashboard>,
  {
    uid: string;
    title: string;
    graphTooltip: Plain<DashboardCursorSync>;
    annotations: { list: Annotation[] };
    templating: { list: Variable[] };
    panels: never[];
  }
>;
