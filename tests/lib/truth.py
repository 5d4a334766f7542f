"""What the clients know to have happened, and whether a run reports exactly that.

A truth file lists exchanges as the clients' own logs have them:
  {"exchanges": [{"protocol", "conn": "client address:port", "request": {...}, "response": {...} or null, "outcome",
                  "mark": {"request": {PATH: value}, "response": {PATH: value}}}]}
`mark` names what is unlike any other exchange of the capture: a RoundTrip whose request bears the mark must not have a response
that bears another. PATH walks the JSON line: Request.Header.X-Item.0 and the like."""

import collections
import json

import observe

OUTCOMES = {'answered': {'answered'}, 'oneway': {'oneway'}, 'reset': {'reset'}, 'open': {'open'}, 'lost': {'lost'},
            'no_response': {'no_response'}}
RCODES = ('NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED')


def at(value, path):
    """The value at a dotted path, None when there is none."""
    for step in path.split('.'):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _dns_name(r):
    return (at(r, 'Request.Message.QuestionSec.Name') or '').lower().rstrip('.')


READ = {
    'http': {'method': lambda r: at(r, 'Request.Method'), 'url': lambda r: at(r, 'Request.URL'), 'status': lambda r: at(r, 'Response.StatusCode')},
    'dns': {'name': _dns_name, 'type': lambda r: at(r, 'Request.Message.QuestionSec.Type'),
            'rcode': lambda r: RCODES[at(r, 'Response.Message.Header.Rcode') or 0],
            'transport': lambda r: at(r, 'Request.Transport')},
    'http2': {'method': lambda r: at(r, 'Request.Method'), 'path': lambda r: at(r, 'Request.Path'), 'status': lambda r: at(r, 'Response.StatusCode')},
    'grpc': {'path': lambda r: at(r, 'Request.Path'), 'grpc_status': lambda r: at(r, 'Response.GrpcStatus')},
    'postgresql': {'kind': lambda r: at(r, 'Request.Packet.Kind'), 'sql': lambda r: at(r, 'Request.Packet.Statement'),
                   'rows': lambda r: at(r, 'Response.Packet.Rows') or 0, 'code': lambda r: at(r, 'Response.Packet.SQLStateCode')},
    'kafka': {'api': lambda r: at(r, 'Request.Packet.API'), 'version': lambda r: at(r, 'Request.Packet.APIVersion'),
              'correlation_id': lambda r: at(r, 'Request.CorrelationID')},
    'redis': {'command': lambda r: at(r, 'Request.Command').split(' ')[0], 'error': lambda r: bool(at(r, 'Response.Error'))},
    'mongodb': {'command': lambda r: at(r, 'Request.CmdName'), 'db': lambda r: at(r, 'Request.Source'), 'collection': lambda r: at(r, 'Request.Collection'),
                'statement': lambda r: at(r, 'Request.Statement'), 'size': lambda r: at(r, 'Request.Size'), 'ok': lambda r: at(r, 'Response.Ok'),
                'compressor': lambda r: at(r, 'Request.Compressor') or '', 'sent': lambda r: at(r, 'Request.Documents') or 0,
                'code': lambda r: at(r, 'Response.Code'), 'documents': lambda r: at(r, 'Response.Documents') or 0},
    'mysql': {'command': lambda r: at(r, 'Request.Command'), 'statement': lambda r: at(r, 'Request.Statement'), 'code': lambda r: at(r, 'Response.Packet.ErrCode') or 0,
              'rows': lambda r: at(r, 'Response.Packet.Rows') or 0, 'affected': lambda r: at(r, 'Response.Packet.AffectedRows') or 0},
    'amqp': {'method': lambda r: '%(Class)s.%(Method)s' % at(r, 'Request.ClassMethod'), 'exchange': lambda r: at(r, 'Request.Packet.ExchangeName'),
             'key': lambda r: at(r, 'Request.Packet.RoutingKey'), 'queue': lambda r: at(r, 'Request.Packet.QueueName'), 'size': lambda r: at(r, 'Request.BodySize') or 0,
             'tag': lambda r: at(r, 'Request.DeliveryTag'), 'error': lambda r: r.get('Error'), 'answer': lambda r: at(r, 'Response.ClassMethod.Method')},
}


def load(path):
    with open(path, encoding='utf8') as f:
        return json.load(f)['exchanges']


def save(path, exchanges, **more):
    with open(path, 'w', encoding='utf8') as f:
        f.write('{"exchanges":[\n' + ',\n'.join(json.dumps(e) for e in exchanges) + ']')
        for k, v in more.items():
            f.write(',"%s":%s' % (k, json.dumps(v)))
        f.write('}\n')


def client(r):
    host = r['Request']['Host']
    return '%s:%d' % ('[%s]' % host if ':' in host else host, r['Request']['Port'])


def _known(e):
    q, a = e.get('request') or {}, (e.get('response') or {}) if e['outcome'] == 'answered' else {}
    fields = {k: v for k, v in list(q.items()) + list(a.items()) if k in READ[e['protocol']] and v is not None}
    return json.dumps([e['protocol'], e.get('conn'), e['outcome'], fields], sort_keys=True), fields


def difference(roundtrips, exchanges):
    """-> (exchanges that were not reported, RoundTrips nobody knows of), as texts."""
    wanted = collections.defaultdict(list)
    for e in exchanges:
        wanted[e['protocol'], e.get('conn')].append(e)
    extra = []
    for r in roundtrips:
        for e in wanted.get((r['Proto'], client(r)), []) + wanted.get((r['Proto'], None), []):  # not every client tells its port
            if fits(r, e):
                wanted[r['Proto'], e.get('conn')].remove(e)
                break
        else:
            extra.append(observe.short(r))
    return [_known(e)[0] for left in wanted.values() for e in left], extra


def fits(r, e):
    if r['Outcome'] not in OUTCOMES[e['outcome']]:
        return False
    if any(READ[e['protocol']][k](r) != v for k, v in _known(e)[1].items()):
        return False
    sides = ('request', 'response') if e['outcome'] == 'answered' else ('request',)
    return all(at(r, path) == v for side in sides for path, v in e.get('mark', {}).get(side, {}).items())


def assert_exact(roundtrips, exchanges, context=''):
    missing, extra = difference(roundtrips, exchanges)
    assert not missing and not extra, '%d missing, %d extra of %d\nmissing: %s\nextra:   %s\n%s' % (
        len(missing), len(extra), len(exchanges), '\n         '.join(missing[:4]), '\n         '.join(extra[:4]), context)


class Pairs:
    """Which response belongs to which request, for captures of which parts are missing."""

    def __init__(self, exchanges):
        self.by_request, self.by_response = {}, {}
        self.paths = {'request': collections.defaultdict(set), 'response': collections.defaultdict(set)}
        for n, e in enumerate(exchanges):
            for side, table in (('request', self.by_request), ('response', self.by_response)):
                mark = e.get('mark', {}).get(side)
                if mark:
                    self.paths[side][e['protocol']].add(tuple(mark))
                    table[self._key(e['protocol'], mark.values())] = n
        self.exchanges = exchanges

    @staticmethod
    def _key(protocol, values):
        return json.dumps([protocol, *values])

    def _find(self, r, side, table):
        for paths in self.paths[side][r['Proto']]:
            n = table.get(self._key(r['Proto'], [at(r, p) for p in paths]))
            if n is not None:
                return n
        return None

    def wrong(self, roundtrips):
        """RoundTrips that join what does not belong together, or tell an exchange twice."""
        bad, told = [], set()
        for r in roundtrips:
            q = self._find(r, 'request', self.by_request)
            if q is not None:
                if q in told:
                    bad.append('told twice: ' + observe.short(r))
                told.add(q)
            if r['Outcome'] != 'answered' or r.get('Response') is None:
                continue
            a = self._find(r, 'response', self.by_response)
            if a is None and r['Proto'] == 'http2' and r.get('Partial'):
                continue  # its mark lies in a header table of which parts are missing
            if q is not None and 'response' in self.exchanges[q].get('mark', {}) and a != q:
                bad.append('wrong pair: ' + observe.short(r))
            elif q is None and a is not None and not r.get('Partial'):
                bad.append('wrong pair: ' + observe.short(r))
        return bad

    def found(self, roundtrips):
        """Places of the exchanges that are reported as in the truth."""
        out = set()
        for r in roundtrips:
            q = self._find(r, 'request', self.by_request)
            if q is not None and r['Outcome'] == self.exchanges[q]['outcome']:
                out.add(q)
        return out
