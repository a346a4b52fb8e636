import Files
import Foundation
import KernelAPI

/// The distribution or rule of a parameter's initial value, with PyTorch's names.
public enum Initializer: Sendable, Equatable {
  /// All zeros.
  case zeros
  /// All ones.
  case ones
  /// Uniform distribution in ±bound.
  case uniform(bound: Float)
  /// Uniform distribution in ±sqrt(6 / (fan in + fan out)) for an [out, in] matrix.
  case xavierUniform
  /// Orthonormal columns for a matrix with at least as many rows as columns, drawn uniformly from
  /// all such matrices; orthonormal rows for any other matrix.
  case orthogonal
  /// Equal values.
  case constant(Float)
  /// Normally distributed values, divided by the length of the vector that they are.
  case unitNormal
  /// Values log(1…d_state) in every row of [D, d_state], as in mamba_ssm.
  case logStateIndex
  /// Inverse softplus of step sizes drawn log-uniformly from [minimum, maximum], at least `floor`.
  case inverseSoftplusOfLogUniform(minimum: Float, maximum: Float, floor: Float)
}

/// Values and gradients of all parameters of an arena. Its parameters keep them alive.
private final class ParameterBuffers {
  var values = Storage(count: 0)
  var gradients = Storage(count: 0)
}

/// A named array inside a `ParameterArena`, whose memory it keeps alive.
public struct Parameter {
  /// Key in weight files, as in PyTorch's `state_dict`.
  public let name: String
  /// Extent of every axis.
  public let shape: [Int]
  /// Index of its first element in the arena.
  public let offset: Int
  let initializer: Initializer
  private let buffers: ParameterBuffers

  fileprivate init(
    name: String, shape: [Int], offset: Int, initializer: Initializer, buffers: ParameterBuffers
  ) {
    self.name = name
    self.shape = shape
    self.offset = offset
    self.initializer = initializer
    self.buffers = buffers
  }

  /// Number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// First element of the value.
  public var value: UnsafeMutablePointer<Float> { buffers.values.base + offset }
  /// First element of the gradient, which backward kernels add to.
  public var gradient: UnsafeMutablePointer<Float> { buffers.gradients.base + offset }
  /// A copy of the value, row-major.
  public var elements: [Float] { Array(UnsafeBufferPointer(start: value, count: count)) }
}

/// All parameters of a model in one flat value buffer and one flat gradient buffer.
///
/// Layers register their parameters in forward order; `allocate` then lays them out, each on a
/// cache line. Gradient buckets are ranges of the arena, and Adam, the norm and the finiteness
/// check are single loops. The padding between parameters is zero and stays zero.
public final class ParameterArena {
  /// The registered parameters, in forward order.
  public private(set) var parameters: [Parameter] = []
  /// Values of all parameters, padding included.
  public var values: Storage { buffers.values }
  /// Gradients of all parameters, in the layout of `values`.
  public var gradients: Storage { buffers.gradients }
  private let buffers = ParameterBuffers()
  private var next = 0
  private var names: Set<String> = []

  /// An empty arena.
  public init() {}

  /// Number of floats in each buffer, padding included.
  public var count: Int { values.count }
  /// Number of trainable values, without padding.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  func register(name: String, shape: [Int], initializer: Initializer) -> Parameter {
    precondition(values.count == 0, "ParameterArena: \(name) registered after allocate")
    precondition(names.insert(name).inserted, "ParameterArena: \(name) registered twice")
    let parameter = Parameter(
      name: name, shape: shape, offset: next, initializer: initializer, buffers: buffers)
    parameters.append(parameter)
    next += paddedToLanes(parameter.count)
    return parameter
  }

  /// Lays out all registered parameters and sets their initial values.
  ///
  /// Each parameter draws from its own stream, which `seed` and its name determine, so that adding
  /// a layer does not change the others.
  public func allocate(seed: UInt64) {
    buffers.values = Storage(count: next)
    buffers.gradients = Storage(count: next)
    for parameter in parameters {
      var random = Random(seed: seed, stream: parameter.name)
      parameter.initializer.fill(parameter, &random)
    }
  }

  /// Frees the gradients' memory, for a model that only runs forward.
  public func discardGradients() { buffers.gradients = Storage(count: 0) }

  /// Sets gradients to zero, all of them or only the elements `range` of the arena.
  public func zeroGradients(_ range: Range<Int>? = nil) {
    UnsafeMutableBufferPointer(rebasing: gradients.buffer[range ?? 0..<count])
      .update(repeating: 0)
  }
}

/// A node in the tree of parameter names, at which a layer registers its parameters.
public struct ParameterScope {
  private let arena: ParameterArena
  private let prefix: String

  /// The root scope of an arena.
  public init(_ arena: ParameterArena) { self.init(arena: arena, prefix: "") }

  private init(arena: ParameterArena, prefix: String) {
    self.arena = arena
    self.prefix = prefix
  }

  /// The scope's full name, such as `layers.2.intra`; empty for the root.
  public var name: String { String(prefix.dropLast()) }

  /// The scope called `name` below this one.
  public func child(_ name: String) -> ParameterScope {
    ParameterScope(arena: arena, prefix: prefix + name + ".")
  }

  /// Registers a parameter in this scope.
  public func parameter(
    _ name: String, _ shape: [Int], _ initializer: Initializer
  ) -> Parameter {
    arena.register(name: prefix + name, shape: shape, initializer: initializer)
  }
}

extension Initializer {
  fileprivate func fill(_ parameter: Parameter, _ random: inout Random) {
    let values = UnsafeMutableBufferPointer(start: parameter.value, count: parameter.count)
    let shape = parameter.shape
    switch self {
    case .zeros: values.update(repeating: 0)
    case .ones: values.update(repeating: 1)
    case .constant(let value): values.update(repeating: value)
    case .unitNormal:
      for (i, value) in orthonormalVectors(1, length: parameter.count, &random)[0].enumerated() {
        values[i] = Float(value)
      }
    case .uniform(let bound):
      for i in values.indices { values[i] = random.uniform(in: -bound, bound) }
    case .xavierUniform:
      precondition(shape.count == 2, "xavierUniform needs a matrix, not \(shape)")
      let bound = (6 / Float(shape[0] + shape[1])).squareRoot()
      for i in values.indices { values[i] = random.uniform(in: -bound, bound) }
    case .orthogonal:
      precondition(shape.count == 2, "orthogonal needs a matrix, not \(shape)")
      let isTall = shape[0] >= shape[1]
      let (length, count) = isTall ? (shape[0], shape[1]) : (shape[1], shape[0])
      let vectors = orthonormalVectors(count, length: length, &random)
      for row in 0..<shape[0] {
        for column in 0..<shape[1] {
          values[row * shape[1] + column] = Float(
            isTall ? vectors[column][row] : vectors[row][column])
        }
      }
    case .logStateIndex:
      let states = shape[shape.count - 1]
      for i in values.indices { values[i] = Float(log(Double(i % states + 1))) }
    case .inverseSoftplusOfLogUniform(let minimum, let maximum, let floor):
      for i in values.indices {
        let exponent = random.uniform(in: log(minimum), log(maximum))
        let step = Double(max(exp(exponent), floor))
        // softplus⁻¹(s) = s + log(1 − e^(−s))
        values[i] = Float(step + log(-expm1(-step)))
      }
    }
  }
}
