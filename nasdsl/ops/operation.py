"""What an operation is: one object that owns all rules of one operation.

The type rule, the counts of parameters and MACs, the PyTorch form and the ONNX form stand side by side in one class, so
that they cannot drift apart; compiler passes only traverse the graph and ask.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any, ClassVar, Protocol

from nasdsl.number import Number, points
from nasdsl.types import MapType

Attributes = Mapping[str, Any]
"""Attribute values by name: `Number`, `Fraction`, `bool` or `str` (see `nasdsl.ir.graph.Attribute`)."""


class RuleError(Exception):
    """A use of an operation breaks its type rule; the caller knows where and makes the diagnostic."""

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help


class DecidedError(RuleError):
    """Decisions decide `attribute`, which must be the same in every architecture, `unless` something is true."""

    def __init__(self, attribute: str, *, unless: str = "") -> None:
        super().__init__(f"`{attribute}` must not depend on decisions{f' unless {unless}' if unless else ''}")
        self.attribute = attribute


Domain = Callable[[str], Sequence[int | Fraction]]
"""All values that a symbol of a `Number` takes over a space."""


@dataclass(frozen=True, slots=True)
class Division:
    """A number that another one must divide in every architecture.

    Attributes:
        dividend: The number.
        divisor: The other; positive in every architecture.
        problem: What is wrong where it does not, with `{dividend}` and `{divisor}` for what they are there.
    """

    dividend: Number
    divisor: Number
    problem: str

    @property
    def open(self) -> tuple[str, ...]:
        """The decisions that it takes to tell, sorted; none where it holds, or not, whatever they decide."""
        ratio = self.dividend.ratio(self.divisor)
        step = self.divisor.constant
        whole = ratio is not None and ratio.denominator == 1
        if whole or (step is not None and all((part / step).denominator == 1 for _, part in self.dividend.terms)):
            return ()
        return tuple(sorted({*self.dividend.symbols, *self.divisor.symbols}))

    def check(self, domain: Domain) -> None:
        """Raises `RuleError` with the first values of the decisions for which there is a rest."""
        if not self.open and self.dividend.constant is None:
            return
        for point in points(self.open, domain):
            dividend, divisor = (number.evaluate(point.__getitem__) for number in (self.dividend, self.divisor))
            if (dividend / divisor).denominator != 1:
                problem = self.problem.format(dividend=dividend, divisor=divisor)
                where = ", ".join(f"{name} = {value}" for name, value in point.items())
                of, by = self.dividend, self.divisor
                every = f"all values of {of} must be multiples of {by}" if by.constant else f"{by} must divide {of}"
                raise RuleError(f"{problem} ({where})" if where else problem, help=every if where else None)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named argument of an operation; `default` None means that it must be given, unless `inferred`."""

    name: str
    default: int | bool | Fraction | None = None
    inferred: bool = False
    """Whether `Operation.infer` finds the value when it is omitted (channels: those of the input)."""


TOLD = ("c", "k")
"""What a module that serves several values can be told at run time: its output channels and its kernel size."""


@dataclass(frozen=True, slots=True)
class TorchForm:
    """How an operation is written in PyTorch.

    Attributes:
        module: The class to construct, e.g. "nn.Conv2d"; "" where the operation has no state.
        args: Constructor arguments, in order; a key that starts with "*" is passed by position. Values: int, bool,
            float, or tuple of ints.
        call: The expression, with `{self}` for the module, `{x}` and `{y}` for the inputs (or `{all}`, separated by
            commas, or `{plus}`, by plus signs) and `{c}` and `{k}` for the run-time numbers of output channels and
            the kernel size: "{self}({x}, {c}, k={k})".
        slim: The form that serves several channels and kernels, where this one serves single ones; told no `{c}` and
            no `{k}`, it computes the same.
    """

    module: str
    args: Mapping[str, Any] = field(default_factory=dict)
    call: str = "{self}({x})"
    slim: TorchForm | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """Which of `TOLD` occur: the module serves several of them and must be told which."""
        return tuple(name for name in TOLD if f"{{{name}}}" in self.call)

    @property
    def widest(self) -> TorchForm:
        """The form that serves most widths."""
        return self.slim or self


class Emitter(Protocol):
    """Where ONNX forms are written to (`nasdsl.lowering.onnx` implements it)."""

    opset: int
    """Version of the operator set to write; at least `Operation.opset`."""
    free_size: bool
    """Whether height and width are free: then no form may depend on the sizes of maps, only on their ratios."""

    def node(self, op_type: str, inputs: Sequence[str], /, **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """Add (or reuse) an initializer holding a scalar or nested list; dtype "int64" or "float32"."""

    def weight(self, name: str, shape: Sequence[int] | None = None) -> str:
        """The initializer for one of the node's own weights, by its PyTorch name: "weight", "bias", "running_mean";
        reshaped if a shape is given.
        """


class ZeroWhen(Enum):
    """Which of its operands must be maps of zeros for an operation's result to be one."""

    NEVER = "never"
    ALWAYS = "always"
    FIRST = "first"
    ALL = "all"


NOTHING = Number.of(0)


@dataclass(frozen=True, slots=True)
class Kept:
    """What PyTorch keeps of a call in training until the gradient has passed it, weights and scalars apart.

    Attributes:
        inputs: The places of the maps that it reads and keeps.
        output: Whether it keeps the map it makes.
        each: Bytes of what else it keeps of each image.
        once: Bytes of what else it keeps of a batch.
        again: Whether the map it makes can be had again from all that (`nasdsl.runtime.weighted`); if it has weights,
            only where these learn.
        view: Whether the map it makes is a part of its first input's memory, so that keeping the one keeps the other.
    """

    inputs: tuple[int, ...] = ()
    output: bool = False
    each: Number = NOTHING
    once: Number = NOTHING
    again: bool = False
    view: bool = False


class Operation(ABC):
    """The rules of one operation. Instances have no state; `nasdsl.ops.catalogue` holds one of each."""

    name: ClassVar[str]
    arity: ClassVar[int | None] = 1
    """How many maps it reads; None: any number from one."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    fuses: ClassVar[tuple[str, ...]] = ()
    """Operations that inference engines fold into this one when they alone read its output."""
    elastic: ClassVar[tuple[str, ...]] = ()
    """Attributes that decisions may decide: its PyTorch form serves all their values with one set of weights."""
    opset: ClassVar[int] = 9
    """The oldest ONNX operator set in which its form can be written."""
    commutative: ClassVar[bool] = False
    """Whether the order of its operands makes no difference."""
    associative: ClassVar[bool] = False
    """Whether an operand that is such an operation itself can be replaced by that one's operands, in their order; of
    one operand it makes that operand.
    """
    zero_neutral: ClassVar[bool] = False
    """Whether operands that are maps of zeros can be left out, as long as one operand stays."""
    statistics: ClassVar[bool] = False
    """Whether it keeps statistics of the maps it has seen."""
    random: ClassVar[bool] = False
    """Whether it draws random numbers."""

    def infer(self, inputs: Sequence[MapType], attrs: Attributes) -> Attributes:
        """The values of inferred parameters that were omitted."""
        return {}

    def narrowed(self, inputs: Sequence[MapType], attrs: Attributes, parts: int) -> Attributes:
        """Its attributes where it reads and makes one of so many equal parts of the channels; whether its rules allow
        that is for `type` to say.

        Args:
            inputs: What it reads now, with all channels.
            attrs: Its attributes now.
            parts: How many parts.
        """
        return {**attrs, "c": attrs["c"] / parts} if "c" in attrs else attrs

    @abstractmethod
    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        """The map it makes; all attributes are given. Raises `RuleError`."""

    def divisions(self, inputs: Sequence[MapType], attrs: Attributes) -> Iterable[Division]:
        """What must come out whole, beside the channels; all attributes are given. Raises `RuleError`."""
        return ()

    @abstractmethod
    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        """The PyTorch form; `widths` tells which values a number takes (one value in a derived network)."""

    @abstractmethod
    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        """Write the ONNX form, in a graph without decisions; returns the name of its output."""

    def params(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        """Trainable numbers it holds."""
        return Number.of(0)

    def macs(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        """Multiply-accumulates at batch 1: those of convolutions and linear layers; everything else counts 0."""
        return Number.of(0)

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        """What its gradient needs of the maps, in float32 on a CPU."""
        return Kept()

    def pure(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> bool:
        """Whether two of them on the same maps always make the same map: nothing in it is trained, kept or drawn."""
        return not (self.stateful(inputs, output, attrs) or self.random)

    def stateful(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> bool:
        """Whether it holds something that two of them can have apart or share: weights or statistics."""
        return self.statistics or self.params(inputs, output, attrs).constant != 0

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        """Whether it always makes its first operand, `x`, again."""
        return False

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        """When it makes a map of zeros, whatever its weights and statistics; if not `trained`: as training starts."""
        return ZeroWhen.NEVER


def type_of(operation: Operation, inputs: Sequence[MapType], attrs: Attributes, domain: Domain) -> MapType:
    """The map an operation makes, the same for all values of its elastic attributes.

    Args:
        operation: The operation.
        inputs: The types of the maps it reads.
        attrs: All its attributes.
        domain: The values of the decisions.

    Raises:
        RuleError: A type rule is broken, for some values of the decisions or because of how the types differ.
    """
    kind = _elastic_type(operation, inputs, attrs, domain)
    for division in operation.divisions(inputs, attrs):
        division.check(domain)
    return kind


def _elastic_type(operation: Operation, inputs: Sequence[MapType], attrs: Attributes, domain: Domain) -> MapType:
    name = next((name for name in operation.elastic if attrs[name].constant is None), None)
    if name is None:
        return operation.type(inputs, attrs)
    hint = f"a decided `{name}` must keep the size: let all its values be odd, and leave `padding` out"
    found: dict[Fraction, MapType] = {}
    errors: list[RuleError] = []
    for value in attrs[name].values(domain):
        try:
            found[value] = _elastic_type(operation, inputs, {**attrs, name: Number.of(value)}, domain)
        except RuleError as error:
            errors.append(error)
    if errors:
        alike = not found and len({error.message for error in errors}) == 1
        raise errors[0] if alike else RuleError(errors[0].message, help=hint)
    (first, kind), *others = found.items()
    for value, other in others:
        if other != kind:
            message = f"`{operation.name}` makes {kind} with {name} = {first}, {other} with {name} = {value}"
            raise RuleError(message, help=hint)
    return kind


class Widths(Protocol):
    """Tells which values a number takes over the space."""

    def __call__(self, number: Number) -> tuple[int, ...]:
        """All values, ascending: one in a derived network."""


def elements(x: MapType) -> Number:
    """The numbers of one image's map."""
    height, width = x.size or (1, 1)
    return x.channels * height * width


def spatial(x: MapType, op: str) -> tuple[int, int]:
    """Height and width of a map, or a `RuleError` that says `op` needs a feature map and not a vector."""
    if x.size is None:
        raise RuleError(f"`{op}` needs a feature map, found a vector {x}")
    return x.size


def strided(x: MapType, stride: int, op: str) -> MapType:
    """The type of `x` after a stride that divides its size, or a `RuleError`."""
    height, width = spatial(x, op)
    if height % stride or width % stride:
        where = f"one pixel here stands for {x.rate} of the input: " if x.rate != 1 else ""
        raise RuleError(
            f"`{op}` with stride {stride} needs a size that it divides, found {height}x{width}",
            help=f"{where}choose an input size that is a multiple of {x.rate * stride}" if x.rate else None,
        )
    return MapType(x.channels, (height // stride, width // stride), x.rate * stride)


def padding(attrs: Attributes) -> int | None:
    """The pixels that an operation with windows adds on every side, if `padding` is given; None: as many as keep the
    size at stride 1.
    """
    return integer(attrs, "padding", least=0) if "padding" in attrs else None


def windowed(x: MapType, k: int, stride: int, padding: int, op: str, *, dilation: int = 1) -> MapType:
    """The type of `x` read through windows with a given padding, the last of which ends where `x` does, or a
    `RuleError`.
    """
    height, width = spatial(x, op)
    reach = dilation * (k - 1) + 1
    rests = [side + 2 * padding - reach for side in (height, width)]
    if min(rests) < 0:
        raise RuleError(f"`{op}` with padding = {padding} reads {reach}x{reach} pixels at once, found {height}x{width}")
    if any(rest % stride for rest in rests):
        raise RuleError(
            f"`{op}` with k = {k}, stride = {stride}, padding = {padding} does not come out even on {height}x{width}",
            help=f"height and width less {reach - 2 * padding} must be multiples of {stride}",
        )
    return MapType(x.channels, (rests[0] // stride + 1, rests[1] // stride + 1), x.rate * stride)


def integer(attrs: Attributes, name: str, *, least: int = 1) -> int:
    """An attribute that must be a constant integer, or a `RuleError`."""
    number: Number = attrs[name]
    value = number.constant
    if value is None:
        raise DecidedError(name)
    if value.denominator != 1 or value < least:
        raise RuleError(f"`{name}` must be an integer from {least}, found {value}")
    return int(value)
