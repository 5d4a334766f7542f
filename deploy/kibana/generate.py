#!/usr/bin/env python3
"""Writes packetd.ndjson beside it: Kibana's saved objects (7.11 and later, also 8) for the exchanges that exporter.elasticsearch sends.
Change this and run it again, not the objects. SPDX-License-Identifier: Apache-2.0"""

import json
import os

DATA_VIEW = 'packetd-roundtrips'
SOURCE = 'kibanaSavedObjectMeta.searchSourceJSON.index'


def compact(value):
    return json.dumps(value, separators=(',', ':'), ensure_ascii=False)


def data_view():
    formats = {'DurationSeconds': {'id': 'duration', 'params': {'inputFormat': 'seconds', 'outputFormat': 'humanizePrecise', 'outputPrecision': 3, 'useShortSuffix': True}},
               'Request.Size': {'id': 'bytes'}, 'Response.Size': {'id': 'bytes'}}
    return {'type': 'index-pattern', 'id': DATA_VIEW, 'references': [],
            'attributes': {'title': 'logs-packetd.roundtrips-*', 'name': 'packetd: exchanges', 'timeFieldName': '@timestamp', 'fieldFormatMap': compact(formats)}}


def source(query):
    return {'searchSourceJSON': compact({'query': {'query': query, 'language': 'kuery'}, 'filter': [], 'indexRefName': SOURCE})}


REFERENCE = {'name': SOURCE, 'type': 'index-pattern', 'id': DATA_VIEW}


def search(id_, title, query, columns, sort=('@timestamp', 'desc')):
    return {'type': 'search', 'id': id_, 'references': [REFERENCE],
            'attributes': {'title': title, 'description': '', 'columns': columns, 'sort': [list(sort)], 'kibanaSavedObjectMeta': source(query)}}


def visualization(id_, title, kind, aggs, params, query=''):
    state = {'title': title, 'type': kind, 'aggs': [{'id': str(i + 1), 'enabled': True, **a} for i, a in enumerate(aggs)], 'params': params}
    return {'type': 'visualization', 'id': id_, 'references': [REFERENCE],
            'attributes': {'title': title, 'description': '', 'uiStateJSON': '{}', 'visState': compact(state), 'kibanaSavedObjectMeta': source(query)}}


COUNT = {'type': 'count', 'schema': 'metric', 'params': {}}
OVER_TIME = {'type': 'date_histogram', 'schema': 'segment', 'params': {'field': '@timestamp', 'useNormalizedEsInterval': True, 'interval': 'auto', 'drop_partials': False, 'min_doc_count': 1,
                                                                       'extended_bounds': {}}}


def terms(field, size=10, schema='group'):
    return {'type': 'terms', 'schema': schema, 'params': {'field': field, 'orderBy': '1', 'order': 'desc', 'size': size, 'otherBucket': False, 'missingBucket': False}}


def chart(mode, label, kind='histogram'):
    axis = {'id': 'CategoryAxis-1', 'type': 'category', 'position': 'bottom', 'show': True, 'scale': {'type': 'linear'}, 'labels': {'show': True, 'filter': True}, 'title': {}}
    value = {'id': 'ValueAxis-1', 'name': 'LeftAxis-1', 'type': 'value', 'position': 'left', 'show': True, 'scale': {'type': 'linear', 'mode': 'normal'}, 'labels': {'show': True},
             'title': {'text': label}}
    series = [{'show': True, 'type': kind, 'mode': mode, 'data': {'label': label, 'id': '1'}, 'valueAxis': 'ValueAxis-1', 'showCircles': False, 'lineWidth': 2}]
    return {'type': kind, 'grid': {'categoryLines': False}, 'categoryAxes': [axis], 'valueAxes': [value], 'seriesParams': series, 'addTooltip': True, 'addLegend': True,
            'legendPosition': 'right', 'times': [], 'addTimeMarker': False}


TABLE = {'perPage': 10, 'showPartialRows': False, 'showMetricsAtAllLevels': False, 'showTotal': False, 'totalFunc': 'sum', 'percentageCol': ''}
PERCENTILES = {'type': 'percentiles', 'schema': 'metric', 'params': {'field': 'DurationSeconds', 'percents': [50, 95, 99]}}
FAILED = 'Error: * or not Outcome: answered'


def dashboard(panels):
    placed, references = [], []
    for i, (kind, id_, x, y, w, h) in enumerate(panels, 1):
        placed.append({'version': '7.11.0', 'type': kind, 'panelIndex': str(i), 'gridData': {'x': x, 'y': y, 'w': w, 'h': h, 'i': str(i)}, 'embeddableConfig': {}, 'panelRefName': 'panel_%d' % i})
        references.append({'name': 'panel_%d' % i, 'type': kind, 'id': id_})
    return {'type': 'dashboard', 'id': 'packetd-overview', 'references': references,
            'attributes': {'title': 'packetd: exchanges', 'description': 'What was asked, what came back, how long it took.', 'panelsJSON': compact(placed),
                           'optionsJSON': compact({'useMargins': True, 'hidePanelTitles': False}), 'timeRestore': False, 'version': 1,
                           'kibanaSavedObjectMeta': {'searchSourceJSON': compact({'query': {'query': '', 'language': 'kuery'}, 'filter': []})}}}


def objects():
    columns = ['Proto', 'Request.Host', 'Response.Host', 'Response.Port', 'Request.Method', 'Request.Path', 'Request.Command', 'Response.StatusCode', 'Outcome', 'Error', 'DurationSeconds']
    return [
        data_view(),
        search('packetd-exchanges', 'packetd: all exchanges', '', columns),
        search('packetd-failed', 'packetd: failed exchanges', FAILED, columns),
        search('packetd-slow', 'packetd: slow exchanges', 'DurationSeconds >= 1', columns, ('DurationSeconds', 'desc')),
        visualization('packetd-rate', 'packetd: exchanges by protocol', 'histogram', [COUNT, OVER_TIME, terms('Proto')], chart('stacked', 'exchanges')),
        visualization('packetd-failures', 'packetd: failures by error', 'histogram', [COUNT, OVER_TIME, terms('Error')], chart('stacked', 'failures'), 'Error: *'),
        visualization('packetd-durations', 'packetd: time to the answer', 'line', [PERCENTILES, OVER_TIME], chart('normal', 'seconds', 'line'), 'Outcome: answered'),
        visualization('packetd-outcomes', 'packetd: outcomes', 'pie', [COUNT, terms('Outcome', 6, 'segment')], {'type': 'pie', 'addTooltip': True, 'addLegend': True, 'legendPosition': 'right',
                                                                                                               'isDonut': True, 'labels': {'show': False}}),
        visualization('packetd-paths', 'packetd: HTTP paths', 'table', [COUNT, {**PERCENTILES, 'params': {'field': 'DurationSeconds', 'percents': [95]}}, terms('Request.Path', 25, 'bucket')], TABLE,
                      'Proto: http'),
        visualization('packetd-commands', 'packetd: Redis commands', 'table', [COUNT, {**PERCENTILES, 'params': {'field': 'DurationSeconds', 'percents': [95]}}, terms('Request.Command', 25, 'bucket')],
                      TABLE, 'Proto: redis'),
        visualization('packetd-names', 'packetd: DNS names', 'table', [COUNT, terms('Request.Message.QuestionSec.Name', 25, 'bucket')], TABLE, 'Proto: dns'),
        visualization('packetd-servers', 'packetd: servers', 'table', [COUNT, {'type': 'sum', 'schema': 'metric', 'params': {'field': 'Response.Size'}}, terms('Response.Host', 25, 'bucket')], TABLE),
        dashboard([('visualization', 'packetd-rate', 0, 0, 24, 12), ('visualization', 'packetd-durations', 24, 0, 24, 12),
                   ('visualization', 'packetd-failures', 0, 12, 24, 12), ('visualization', 'packetd-outcomes', 24, 12, 12, 12), ('visualization', 'packetd-servers', 36, 12, 12, 12),
                   ('visualization', 'packetd-paths', 0, 24, 16, 14), ('visualization', 'packetd-commands', 16, 24, 16, 14), ('visualization', 'packetd-names', 32, 24, 16, 14),
                   ('search', 'packetd-failed', 0, 38, 48, 18)]),
    ]


def text():
    return ''.join(compact(o) + '\n' for o in objects())


if __name__ == '__main__':
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'packetd.ndjson'), 'w', encoding='utf8') as f:
        f.write(text())
