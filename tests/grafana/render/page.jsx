// Draws a dashboard from responses of Prometheus, with the transformations of @grafana/data and the components of
// @grafana/ui. A few lines here replace the dashboard loader and the state timeline, which are in Grafana's core.

import {
  applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, FieldType, getFieldDisplayName, getFieldDisplayValues, Registry, renderLegendFormat,
  standardTransformers, standardTransformersRegistry, transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, PanelContextProvider, TimeSeries } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

const { dashboard, answers, alerts, to, seconds, values: chosen } = window.DATA;
const theme = createTheme({ colors: { mode: 'dark' } });
const range = { from: dateTime((to - seconds) * 1000), to: dateTime(to * 1000), raw: { from: 'a', to: 'b' } };
const keep = (text) => text;

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer, standardTransformers.limitTransformer].map((transformation) => ({ id: transformation.id, name: transformation.name, transformation: () => transformation })));

/** Returns a registry of every property that the panel's field configuration sets. In Grafana, panels register these. */
function registry(panel) {
  const ids = new Set(panel.fieldConfig.overrides.flatMap((rule) => rule.properties.map((property) => property.id)));
  for (const id of Object.keys(panel.fieldConfig.defaults)) ids.add(id);
  for (const id of Object.keys(panel.fieldConfig.defaults.custom ?? {})) ids.add(`custom.${id}`);
  const items = [...ids].filter((id) => id !== 'custom').map((id) => ({ id, path: id.replace(/^custom\./, ''), isCustom: id.startsWith('custom.'), name: id, process: keep, shouldApply: () => true }));
  return new Registry(() => items);
}

const number = (text) => Number(text.replace('Inf', 'Infinity'));

function tables(queries) {
  return queries.filter(({ result }) => result.length > 0).map(({ target, result }, _, all) => {
    const labels = [];
    for (const { metric } of result) for (const label of Object.keys(metric).sort()) if (!labels.includes(label)) labels.push(label);
    const fields = [
      { name: 'Time', type: FieldType.time, config: {}, values: result.map(() => to * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, config: {}, values: result.map(({ metric }) => metric[label] ?? '') })),
      { name: all.length > 1 ? `Value #${target.refId}` : 'Value', type: FieldType.number, config: {}, values: result.map(({ value }) => number(value[1])) },
    ];
    return { refId: target.refId, fields, length: result.length };
  });
}

function series(queries) {
  return queries.flatMap(({ target, result, step }) => result.map(({ metric, value, values }) => {
    const points = values ?? [value];
    const displayNameFromDS = renderLegendFormat(target.legendFormat ?? '', metric) || undefined;
    return {
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: points.map(([time]) => time * 1000) },
        { name: 'Value', type: FieldType.number, config: { displayNameFromDS }, labels: metric, values: points.map(([, text]) => number(text)) },
      ],
      length: points.length,
    };
  }));
}

/** The first threshold is saved as null. Grafana reads it as the lowest number. */
for (const panel of dashboard.panels.filter(({ fieldConfig }) => fieldConfig)) {
  const changed = panel.fieldConfig.overrides.flatMap((rule) => rule.properties).filter(({ id }) => id === 'thresholds');
  for (const thresholds of [panel.fieldConfig.defaults.thresholds, ...changed.map(({ value }) => value)]) thresholds.steps[0].value = -Infinity;
}

function overridden(panel, frames) {
  const overridden = applyFieldOverrides({ data: frames, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry(panel), replaceVariables: keep, theme, timeZone: 'utc' });
  cacheFieldDisplayNames(overridden);
  return overridden;
}

function StateTimeline({ panel, frames, width, height }) {
  const row = Math.min(46, (height - 30) / frames.length);
  const left = 150;
  const scale = (width - left - 10) / seconds;
  return (
    <div style={{ position: 'relative', fontSize: 12 }}>
      {frames.map((frame, index) => {
        const [time, value] = frame.fields;
        const blocks = [];
        value.values.forEach((state, place) => {
          const last = blocks[blocks.length - 1];
          if (last?.state === state) last.end = time.values[place];
          else blocks.push({ state, start: last ? last.end : time.values[place], end: time.values[place] });
        });
        return (
          <div key={index}>
            <div style={{ position: 'absolute', top: index * row + row * 0.25, width: left - 8, textAlign: 'right' }}>{getFieldDisplayName(value, frame, frames)}</div>
            {blocks.map((block) => {
              const shown = value.display(block.state);
              const place = { left: left + (block.start / 1000 - (to - seconds)) * scale, width: Math.max(1, ((block.end - block.start) / 1000) * scale) };
              return <div key={block.start} style={{ position: 'absolute', top: index * row, height: row * 0.8, background: shown.color, opacity: 0.85, overflow: 'hidden', color: '#111', padding: place.width > 50 ? '0 4px' : 0, ...place }}>{place.width > 50 ? shown.text : ''}</div>;
            })}
          </div>
        );
      })}
    </div>
  );
}

/** The list of alerts is in Grafana's core too. This one shows the same texts. */
function AlertList({ panel, height }) {
  const wanted = panel.options.alertInstanceLabelFilter === '' ? () => true : ({ labels }) => labels.provider === chosen.provider;
  const firing = alerts.filter((alert) => alert.state === 'firing' && wanted(alert)).sort((a, b) => a.labels.severity.localeCompare(b.labels.severity));
  return (
    <div style={{ height, overflow: 'hidden', fontSize: 12 }}>
      {firing.map(({ labels, annotations, activeAt }, index) => (
        <div key={index} style={{ background: theme.colors.background.secondary, padding: '4px 8px', marginBottom: 4 }}>
          <b>{labels.alertname}</b> <span style={{ color: theme.colors.text.secondary }}>{labels.severity}, since {activeAt.slice(11, 16)}</span>
          <div>{annotations.summary} {annotations.description}</div>
        </div>
      ))}
    </div>
  );
}

function Body({ panel, width, height }) {
  const [frame, setFrame] = useState(null);
  const queries = answers[panel.id];
  useEffect(() => {
    if (panel.type === 'table') transformDataFrame(panel.transformations, tables(queries), { interpolate: keep }).subscribe((frames) => setFrame(frames[0] ?? { fields: [], length: 0 }));
  }, []);
  if (panel.type === 'alertlist') return <AlertList panel={panel} height={height} />;
  const nothing = <div style={{ height, display: 'flex', alignItems: 'center', justifyContent: 'center', color: theme.colors.text.secondary, fontSize: 16 }}>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
  if (panel.type === 'table') {
    if (frame === null) return null;
    if (frame.length === 0) return nothing;
    return <TableNG data={overridden(panel, [frame])[0]} width={width} height={height} noValue={panel.fieldConfig.defaults.noValue} sortBy={panel.options.sortBy} cellHeight={panel.options.cellHeight} fieldConfig={panel.fieldConfig} structureRev={1} enableVirtualization={false} />;
  }
  const frames = overridden(panel, series(queries));
  if (frames.length === 0 && panel.type !== 'stat') return nothing;
  if (panel.type === 'timeseries') {
    return <TimeSeries frames={frames} structureRev={1} width={width} height={height} timeRange={range} timeZone="utc" legend={panel.options.legend} options={panel.options} />;
  }
  if (panel.type === 'state-timeline') return <StateTimeline panel={panel} frames={frames} width={width} height={height} />;
  const values = getFieldDisplayValues({ fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: keep, theme, data: frames, timeZone: 'utc' });
  if (panel.type === 'bargauge') {
    const each = height / values.length;
    return values.map((value, index) => <BarGauge key={index} value={value.display} field={value.field} width={width} height={Math.min(26, each - 4)} orientation="horizontal" displayMode="basic" theme={theme} text={{ titleSize: 12, valueSize: 13 }} itemSpacing={4} namePlacement="left" showUnfilled display={value.view?.getFieldDisplayProcessor?.(value.colIndex)} alignmentFactors={{ title: 'a-rather-long-name', text: '1000 ms' }} />);
  }
  const shown = values.length > 0 ? values.map(({ display }) => display) : [{ text: panel.fieldConfig.defaults.noValue, numeric: NaN }];
  const named = panel.options.textMode === 'value_and_name';
  return (
    <div style={{ display: 'flex', gap: 4 }}>
      {shown.map((value, index) => <BigValue key={index} width={width / shown.length - 4} height={height} value={{ ...value, title: named ? value.title : undefined }} colorMode={panel.options.colorMode} graphMode="none" justifyMode={panel.options.justifyMode} textMode={panel.options.textMode} theme={theme} wideLayout={panel.options.wideLayout} />)}
    </div>
  );
}

const CELL = 1600 / 24;
const interpolated = (text) => text.replaceAll('$provider', chosen.provider);
function Panel({ panel }) {
  const { x, y, w, h } = panel.gridPos;
  const box = { position: 'absolute', left: x * CELL, top: y * 38, width: w * CELL - 8, height: h * 38 - 8 };
  if (panel.type === 'row') return <h5 style={{ ...box, margin: 0, paddingTop: 6 }}>{panel.collapsed ? '›' : '⌄'} {panel.title}</h5>;
  return (
    <div style={box}>
      <PanelChrome title={interpolated(panel.title)} description={panel.description} width={box.width} height={box.height} padding={panel.type === 'table' ? 'none' : 'md'}>
        {(width, height) => <Body panel={panel} width={width} height={height} />}
      </PanelChrome>
    </div>
  );
}

const context = { eventBus: { publish() {}, subscribe() { return { unsubscribe() {} }; }, getStream() { return { subscribe() { return { unsubscribe() {} }; }, pipe() { return this; } }; } }, eventsScope: 'x' };
createRoot(document.getElementById('root')).render(
  <>
    <GlobalStyles isExtensionSidebarOpen={false} hackNoBackdropBlur />
    <h3 style={{ padding: '10px 20px 0', height: 36, margin: 0 }}>{dashboard.title}</h3>
    <PanelContextProvider value={context}>
      <div style={{ position: 'relative', margin: 20 }}>{dashboard.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}</div>
    </PanelContextProvider>
  </>,
);
