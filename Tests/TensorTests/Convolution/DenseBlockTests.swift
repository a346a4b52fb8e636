import Convolution
import Files
import Foundation
import Tensor
import TestSupport
import Testing

/// Convolutions, norms and PReLUs as SEMamba composes them, against reference vectors.
struct DenseBlockTests {
  /// Parameters with the values of a file, and what their gradients have to be.
  private struct Network {
    let file: SafetensorsFile
    let arena = ParameterArena()
    let parameters: [String: Parameter]
    let zeroGradients: Set<String>

    init(_ name: String) throws {
      file = try golden(name)
      let scope = ParameterScope(arena)
      var parameters: [String: Parameter] = [:]
      for key in file.tensors.keys.sorted() where key.hasPrefix("param.") {
        let name = String(key.dropFirst(6))
        let shape = try #require(file.tensors[key]).shape
        parameters[name] = scope.parameter(name, shape, .zeros)
      }
      self.parameters = parameters
      arena.allocate(seed: 0)
      for (name, parameter) in parameters {
        let values = try #require(file.tensors["param." + name]).floats()
        for (i, value) in values.enumerated() { parameter.value[i] = value }
      }
      let text = try #require(file.metadata["zero_gradients"])
      let names = try JSONDecoder().decode([String].self, from: Data(text.utf8))
      zeroGradients = Set(names)
    }

    func parameter(_ name: String) throws -> Parameter { try #require(parameters[name], "\(name)") }

    /// A tensor [B, C, H, W] of the file as [B, H, W, C].
    func image(_ name: String) throws -> Tensor {
      let entry = try #require(file.tensors[name])
      let (shape, source) = (entry.shape, try entry.floats())
      let out = Tensor(shape: [shape[0], shape[2], shape[3], shape[1]], requiresGradient: true)
      let pixels = shape[2] * shape[3]
      for b in 0..<shape[0] {
        for c in 0..<shape[1] {
          for p in 0..<pixels {
            out.base[(b * pixels + p) * shape[1] + c] = source[(b * shape[1] + c) * pixels + p]
          }
        }
      }
      return out
    }

    func convolution(_ x: [Tensor], _ name: String, _ geometry: Convolution2d, _ tape: Tape) throws
      -> Tensor
    {
      convolution2d(
        x, weight: .parameter(try parameter(name + ".weight")), bias: try parameter(name + ".bias"),
        geometry: geometry, tape)
    }

    func norm(_ x: Tensor, _ name: String, _ slope: String, _ tape: Tape) throws -> Tensor {
      instanceNorm2d(
        x,
        AffineParameters(
          weight: try parameter(name + ".weight"), bias: try parameter(name + ".bias")),
        slope: try parameter(slope), tape)
    }

    func denseBlock(_ x: Tensor, _ prefix: String, _ tape: Tape) throws -> Tensor {
      var stack = [x]
      for layer in 0..<4 {
        let geometry = Convolution2d(
          kernel: Extent2d(3, 3), dilation: Extent2d(1 << layer, 1),
          padding: Extent2d(1 << layer, 1))
        let name = "\(prefix)\(layer)"
        let y = try norm(
          convolution(stack, name + ".0", geometry, tape), name + ".1", name + ".2.weight", tape)
        stack.insert(y, at: 0)
      }
      return stack[0]
    }

    /// Compares all gradients, those that are zero with the largest of the others.
    func expectGradients(_ input: Tensor) throws {
      expectClose(
        try #require(input.gradient).elements, try image("grad.in.x").elements, 5e-5, "grad.in.x")
      var largest: Float = 0
      for parameter in arena.parameters {
        for i in 0..<parameter.count { largest = max(largest, abs(parameter.gradient[i])) }
      }
      for parameter in arena.parameters {
        let gradient = Array(
          UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
        if zeroGradients.contains(parameter.name) {
          #expect(
            gradient.allSatisfy { abs($0) <= 1e-5 * largest }, "\(parameter.name): \(gradient)")
        } else {
          expectClose(
            gradient, try #require(file.tensors["grad.param." + parameter.name]).floats(), 5e-5,
            parameter.name)
        }
      }
    }
  }

  @Test func denseBlock() throws {
    let network = try Network("se_dense_block")
    let x = try network.image("in.x")
    let tape = Tape()
    let out = try network.denseBlock(x, "dense_block.", tape)
    expectClose(out.elements, try network.image("out.y").elements, 5e-6, "out.y")
    out.gradient = try network.image("in.gout.y").storage
    tape.backward()
    try network.expectGradients(x)
  }

  @Test func encoder() throws {
    let network = try Network("se_encoder")
    let x = try network.image("in.x")
    let tape = Tape()
    let first = try network.norm(
      network.convolution(
        [x], "dense_conv_1.0", Convolution2d(kernel: Extent2d(1, 1)), tape), "dense_conv_1.1",
      "dense_conv_1.2.weight", tape)
    let dense = try network.denseBlock(first, "dense_block.dense_block.", tape)
    let narrow = Convolution2d(kernel: Extent2d(1, 3), stride: Extent2d(1, 2))
    let out = try network.norm(
      network.convolution([dense], "dense_conv_2.0", narrow, tape), "dense_conv_2.1",
      "dense_conv_2.2.weight", tape)
    expectClose(out.elements, try network.image("out.y").elements, 5e-6, "out.y")
    out.gradient = try network.image("in.gout.y").storage
    tape.backward()
    try network.expectGradients(x)
  }

  /// The mask is 2·σ(slope[f]·a[b, t, f]).
  @Test func maskDecoder() throws {
    let network = try Network("se_mask_decoder")
    let x = try network.image("in.x")
    let tape = Tape()
    let dense = try network.denseBlock(x, "dense_block.dense_block.", tape)
    let wide = transposedConvolution2d(
      dense, weight: .parameter(try network.parameter("mask_conv.0.weight")),
      bias: try network.parameter("mask_conv.0.bias"),
      geometry: Convolution2d(kernel: Extent2d(1, 3), stride: Extent2d(1, 2)), tape)
    let pointwise = Convolution2d(kernel: Extent2d(1, 1))
    let normalised = try network.norm(
      network.convolution([wide], "mask_conv.1", pointwise, tape), "mask_conv.2",
      "mask_conv.3.weight", tape)
    let a = try network.convolution([normalised], "mask_conv.4", pointwise, tape)
    let slope = try network.parameter("lsigmoid.slope")
    let expected = try #require(network.file.tensors["out.mask"])
    let upstream = try #require(network.file.tensors["in.gout.mask"]).floats()
    let (bins, frames) = (expected.shape[1], expected.shape[2])
    #expect(a.shape == [expected.shape[0], frames, bins, 1])
    var mask = upstream
    let gradient = Storage(count: a.count)
    for b in 0..<expected.shape[0] {
      for f in 0..<bins {
        for t in 0..<frames {
          let (from, to) = ((b * frames + t) * bins + f, (b * bins + f) * frames + t)
          let s = 1 / (1 + exp(-slope.value[f] * a.base[from]))
          mask[to] = 2 * s
          let inner = upstream[to] * 2 * s * (1 - s)
          gradient.base[from] = inner * slope.value[f]
          slope.gradient[f] += inner * a.base[from]
        }
      }
    }
    expectClose(mask, try expected.floats(), 5e-6, "out.mask")
    a.gradient = gradient
    tape.backward()
    try network.expectGradients(x)
  }
}
