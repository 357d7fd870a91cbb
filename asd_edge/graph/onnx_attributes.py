"""Typed access to the attributes of an ONNX node; an attribute that the node lacks gives the default."""

import onnx


def _value(node: onnx.NodeProto, name: str) -> object:
    for attribute in node.attribute:
        if attribute.name == name:
            return onnx.helper.get_attribute_value(attribute)
    return None


def int_attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    value = _value(node, name)
    assert value is None or isinstance(value, int)
    return default if value is None else value


def float_attribute(node: onnx.NodeProto, name: str, default: float) -> float:
    value = _value(node, name)
    assert value is None or isinstance(value, float)
    return default if value is None else value


def text_attribute(node: onnx.NodeProto, name: str, default: str) -> str:
    value = _value(node, name)
    assert value is None or isinstance(value, bytes)
    return default if value is None else value.decode()


def ints_attribute(node: onnx.NodeProto, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    value = _value(node, name)
    if value is None:
        return default
    assert isinstance(value, list)
    return tuple(int(item) for item in value)


def pair_attribute(node: onnx.NodeProto, name: str, default: tuple[int, int]) -> tuple[int, int]:
    """Two integers, (H, W)."""
    height, width = ints_attribute(node, name, default)
    return height, width
