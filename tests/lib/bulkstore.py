"""A store that is spoken to in Elasticsearch's bulk API."""

import json


class Store:
    """Takes bulk requests as Elasticsearch does; `refuse(id, times)` gives a document's status."""

    def __init__(self, refuse=None, template=200):
        self.refuse = refuse or (lambda id_, times: 201)
        self.template, self.templates = template, []
        self.documents, self.asked = {}, {}

    def __call__(self, number, request):
        if request.method == 'PUT':
            self.templates.append(json.loads(request.body))
            return self.template, {}, b'{}'
        lines = request.body.split(b'\n')
        assert lines.pop() == b''
        items = []
        for action, document in zip(lines[::2], lines[1::2]):
            (verb, target), = json.loads(action).items()
            assert verb == 'create' and target['_index']
            id_ = target['_id']
            self.asked[id_] = self.asked.get(id_, 0) + 1
            status = 409 if id_ in self.documents else self.refuse(id_, self.asked[id_])
            if status == 201:
                self.documents[id_] = json.loads(document)
            items.append({'create': {'status': status, **({} if status == 201 else {'error': {'type': 'some_exception', 'reason': 'because'}})}})
        errors = any(i['create']['status'] != 201 for i in items)
        return 200, {'Content-Type': 'application/json'}, json.dumps({'errors': errors, 'items': items}).encode()
