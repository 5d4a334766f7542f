"""io.prometheus.client.MetricFamily for Python's protobuf, built from its field numbers; no compiler needed."""
from google.protobuf import descriptor_pb2, descriptor_pool

try:
    from google.protobuf.message_factory import GetMessageClass
except ImportError:
    from google.protobuf.message_factory import MessageFactory
    GetMessageClass = MessageFactory().GetPrototype

F = descriptor_pb2.FieldDescriptorProto
KINDS = {'string': F.TYPE_STRING, 'double': F.TYPE_DOUBLE, 'uint64': F.TYPE_UINT64, 'uint32': F.TYPE_UINT32, 'sint32': F.TYPE_SINT32,
         'sint64': F.TYPE_SINT64, 'int64': F.TYPE_INT64, 'int32': F.TYPE_INT32}

MESSAGES = {
    'Timestamp': 'int64 seconds 1, int32 nanos 2',
    'LabelPair': 'string name 1, string value 2',
    'Gauge': 'double value 1',
    'Exemplar': '*LabelPair label 1, double value 2, Timestamp timestamp 3',
    'Counter': 'double value 1, Exemplar exemplar 2, Timestamp created_timestamp 3',
    'Bucket': 'uint64 cumulative_count 1, double upper_bound 2, Exemplar exemplar 3, double cumulative_count_float 4',
    'BucketSpan': 'sint32 offset 1, uint32 length 2',
    'Histogram': 'uint64 sample_count 1, double sample_sum 2, *Bucket bucket 3, double sample_count_float 4, sint32 schema 5, double zero_threshold 6, '
                 'uint64 zero_count 7, double zero_count_float 8, *BucketSpan negative_span 9, *sint64 negative_delta 10, *double negative_count 11, '
                 '*BucketSpan positive_span 12, *sint64 positive_delta 13, *double positive_count 14, Timestamp created_timestamp 15, *Exemplar exemplars 16',
    'Metric': '*LabelPair label 1, Gauge gauge 2, Counter counter 3, Histogram histogram 7, int64 timestamp_ms 6',
    'MetricFamily': 'string name 1, string help 2, int32 type 3, *Metric metric 4, string unit 5',
}


def _make():
    file = descriptor_pb2.FileDescriptorProto(name='metric_family.proto', package='io.prometheus.client')
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields.split(', '):
            kind, field, number = text.split()
            repeated, kind = kind[0] == '*', kind.lstrip('*')
            row = message.field.add(name=field, number=int(number), label=F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL)
            row.type = KINDS.get(kind, F.TYPE_MESSAGE)
            if kind not in KINDS:
                row.type_name = '.io.prometheus.client.' + kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName('io.prometheus.client.MetricFamily'))


MetricFamily = _make()


def families(data):
    """Length-delimited messages."""
    found, at = [], 0
    while at < len(data):
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        family = MetricFamily()
        assert at + n <= len(data)
        family.ParseFromString(data[at:at + n])
        assert not family.UnknownFields() if hasattr(family, 'UnknownFields') else True
        found.append(family)
        at += n
    return found
