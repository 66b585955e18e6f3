"""The part of onnx.proto that ONNX files may use here, as protobuf's own library reads it.

Names, numbers and types are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, which is proto2. What is
not listed here (sequences and maps, devices) is an unknown field to this schema. What is refused wherever it stands
(functions, training steps, graphs in operators, sparse tensors) is bytes, which nobody looks into. The schema is in a
pool of its own, beside the one of the package `onnx`, which need not be installed.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint64": _Field.TYPE_UINT64,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}

# Of each message its fields: number, type, name. `*` marks lists, `**` lists that are packed, `|` members of a oneof.
_MESSAGES = {
    "ModelProto": """
        1 int64 ir_version
        2 string producer_name
        3 string producer_version
        4 string domain
        5 int64 model_version
        6 string doc_string
        7 GraphProto graph
        8 OperatorSetIdProto* opset_import
        14 StringStringEntryProto* metadata_props
        20 bytes* training_info
        25 bytes* functions
    """,
    "OperatorSetIdProto": "1 string domain; 2 int64 version",
    "StringStringEntryProto": "1 string key; 2 string value",
    "GraphProto": """
        1 NodeProto* node
        2 string name
        5 TensorProto* initializer
        10 string doc_string
        11 ValueInfoProto* input
        12 ValueInfoProto* output
        13 ValueInfoProto* value_info
        14 TensorAnnotation* quantization_annotation
        15 bytes* sparse_initializer
        16 StringStringEntryProto* metadata_props
    """,
    "TensorAnnotation": "1 string tensor_name; 2 StringStringEntryProto* quant_parameter_tensor_names",
    "NodeProto": """
        1 string* input
        2 string* output
        3 string name
        4 string op_type
        5 AttributeProto* attribute
        6 string doc_string
        7 string domain
        9 StringStringEntryProto* metadata_props
    """,
    "AttributeProto": """
        1 string name
        2 float f
        3 int64 i
        4 bytes s
        5 TensorProto t
        6 bytes g
        7 float* floats
        8 int64* ints
        9 bytes* strings
        10 TensorProto* tensors
        11 bytes* graphs
        13 string doc_string
        20 int32 type
        22 bytes sparse_tensor
        23 bytes* sparse_tensors
    """,
    "TensorProto": """
        1 int64* dims
        2 int32 data_type
        4 float** float_data
        5 int32** int32_data
        6 bytes* string_data
        7 int64** int64_data
        8 string name
        9 bytes raw_data
        10 double** double_data
        11 uint64** uint64_data
        12 string doc_string
        13 StringStringEntryProto* external_data
        14 int32 data_location
        16 StringStringEntryProto* metadata_props
    """,
    "ValueInfoProto": """
        1 string name
        2 TypeProto type
        3 string doc_string
        4 StringStringEntryProto* metadata_props
    """,
    "TypeProto": "1 Tensor| tensor_type; 6 string denotation",
    "Tensor": "1 int32 elem_type; 2 TensorShapeProto shape",
    "TensorShapeProto": "1 Dimension* dim",
    "Dimension": "1 int64| dim_value; 2 string| dim_param; 3 string denotation",
}


def _schema() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="programs.proto", package="programs", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for line in fields.replace(";", "\n").split("\n"):
            if not line.strip():
                continue
            number, kind, field_name = line.split()
            field = message.field.add(name=field_name, number=int(number), label=_Field.LABEL_OPTIONAL)
            if kind.endswith("*"):
                field.label = _Field.LABEL_REPEATED
                field.options.packed = kind.endswith("**")
            if kind.endswith("|"):
                if not message.oneof_decl:
                    message.oneof_decl.add(name="value")
                field.oneof_index = 0
            kind = kind.rstrip("*|")
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".programs.{kind}"
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(_schema().SerializeToString())
_MODEL = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("programs.ModelProto"))


def parse_model(data: bytes) -> Any:
    """The ModelProto in the bytes of an ONNX file, without fields that this schema does not know.

    Raises ValueError where the bytes are no such message.
    """
    model: Message = _MODEL()
    try:
        model.ParseFromString(data)
        model.DiscardUnknownFields()
    except Exception as error:  # protobuf's implementations raise different classes
        raise ValueError("not a protobuf message") from error
    return model


def written_model(model: Any) -> bytes:
    """The bytes that protobuf writes for a model, which every reader takes for this one."""
    return bytes(model.SerializeToString(deterministic=True))


def is_as_written(model: Any, data: bytes) -> bool:
    """Whether `data` are the bytes that protobuf writes for `model`, which lacks its initializers' raw data afterwards.

    Then there is nothing in them that the model does not show: no unknown field, no group, no field twice that is no
    list, no integer in a longer form. What is checked of it is what every reader sees, ONNX Runtime among them.
    """
    end = 0
    for piece in _written(model, "graph", "initializer", "raw_data"):
        if not data.startswith(piece, end):
            return False
        end += len(piece)
    return end == len(data)


def _written(message: Message, name: str, *inside: str) -> list[bytes]:
    """What protobuf writes for `message`, in pieces. Weights are copied by writing them, at a tenth of memory's speed:
    so the last of the field `name` and those `inside` of it, which is of bytes, is taken as it is, out of the message.
    """
    number = message.DESCRIPTOR.fields_by_name[name].number
    found = {field.name: value for field, value in message.ListFields()}.get(name, ())
    pieces = []
    for value in [found] if isinstance(found, bytes | Message) else found:
        content = _written(value, *inside) if inside else [value]
        pieces += [bytes([number << 3 | 2]), _varint(sum(map(len, content))), *content]
    if not inside:
        message.ClearField(name)
    around = []
    for before in (True, False):
        part = type(message)()
        part.CopyFrom(message)
        for field, _ in message.ListFields():
            if field.number == number or (field.number < number) != before:
                part.ClearField(field.name)
        around.append(part.SerializeToString(deterministic=True))
    return [around[0], *pieces, around[1]]


def _varint(number: int) -> bytes:
    low = []
    while number > 127:
        low.append(number & 127 | 128)
        number >>= 7
    return bytes([*low, number])
