import Files
import Foundation
import Models
import Tensor
import Testing
import TestSupport

/// Compares the tiny models with an independent implementation: outputs, loss, every gradient, and
/// three Adam steps with a loose and a tight clip.
@Suite struct EndToEndTests {
  private func model(_ file: SafetensorsFile) throws -> SpeechEnhancer {
    let model = SpeechEnhancer(configuration: try referenceConfiguration(file), seed: 1)
    for parameter in model.parameters.parameters {
      let entry = try #require(file.tensors["param.\(parameter.name)"])
      #expect(entry.shape == parameter.shape)
      for (i, value) in try entry.floats().enumerated() { parameter.value[i] = value }
    }
    return model
  }

  private func tensor(_ file: SafetensorsFile, _ name: String) throws -> Tensor {
    let entry = try #require(file.tensors[name])
    return Tensor(shape: entry.shape, elements: try entry.floats())
  }

  @Test(arguments: referenceModels)
  func outputsAndGradients(name: String) throws {
    let file = try golden(name)
    let model = try model(file)
    let raw = try tensor(file, "in.X")
    let x = Spectrogram.fromComplex(
      Tensor(shape: raw.shape, elements: raw.elements, requiresGradient: true))
    let target = Spectrogram.fromComplex(try tensor(file, "in.S"))
    let tape = Tape()
    let out = model(x, tape)
    expectClose(
      Spectrogram.toComplex(out).elements, try tensor(file, "out").elements, 5e-6, "out")
    let loss = spectralLoss(out, target, tape)
    let expected = try tensor(file, "loss").elements[0]
    #expect(abs(loss.total - expected) <= 5e-6 * abs(expected))
    tape.backward()
    for parameter in model.parameters.parameters {
      let gradient = UnsafeBufferPointer(start: parameter.gradient, count: parameter.count)
      expectClose(
        Array(gradient), try tensor(file, "grad.param.\(parameter.name)").elements, 5e-5,
        parameter.name)
    }
    let storage = try #require(x.gradient)
    let gradient = Tensor(shape: x.shape, elements: Array(storage.buffer))
    expectClose(
      Spectrogram.toComplex(gradient).elements, try tensor(file, "grad.in.X").elements, 5e-5, "X")
  }

  @Test(arguments: referenceModels, [("adam", Float(5)), ("adam_tightclip", 0.02)])
  func threeAdamSteps(name: String, run: (prefix: String, clip: Float)) throws {
    let file = try golden(name)
    let model = try model(file)
    let x = Spectrogram.fromComplex(try tensor(file, "in.X"))
    let target = Spectrogram.fromComplex(try tensor(file, "in.S"))
    let adam = Adam(model.parameters)
    var losses: [Float] = []
    var norms: [Float] = []
    for step in 0...3 {
      model.parameters.zeroGradients()
      let tape = step < 3 ? Tape() : .inference
      losses.append(spectralLoss(model(x, tape), target, tape).total)
      guard step < 3 else { break }
      tape.backward()
      let norm = GradientNorm(model.parameters)
      norms.append(Float(norm.value))
      adam.step(learningRate: 1e-3, gradientScale: norm.clipFactor(limit: run.clip))
    }
    expectClose(losses, try tensor(file, "\(run.prefix).loss").elements, 1e-5, "losses")
    expectClose(norms, try tensor(file, "\(run.prefix).gradnorm").elements, 1e-5, "norms")
    for parameter in model.parameters.parameters {
      let after = try tensor(file, "\(run.prefix).after.\(parameter.name)").elements
      expectClose(parameter.elements, after, 1e-5, "after \(parameter.name)")
      // The files have the moments of one of the runs.
      guard run.prefix == "adam_tightclip" else { continue }
      let moment = Array(
        UnsafeBufferPointer(
          start: adam.firstMoment.base + parameter.offset, count: parameter.count))
      let expected = try tensor(file, "\(run.prefix).exp_avg.\(parameter.name)").elements
      expectClose(moment, expected, 5e-5, "moment \(parameter.name)")
    }
  }
}
