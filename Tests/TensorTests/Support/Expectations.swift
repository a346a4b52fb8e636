import Files
import Tensor
import Testing
import TestSupport

/// Expects the same numbers in inference and without gradients of the inputs.
func expectSameInEveryMode(_ subject: some OperationCase) throws {
  let values = subject.randomValues(seed: 6)
  let upstream = subject.randomUpstream(seed: 6)
  let all = try subject.evaluate(values, upstream: upstream)
  #expect(try subject.infer(values) == all.out)
  let parametersOnly = try subject.evaluate(
    values, upstream: upstream, differentiatesInputs: false)
  #expect(parametersOnly.out == all.out)
  for array in subject.arrays where !array.isInput {
    #expect(parametersOnly.gradients[array.name] == all.gradients[array.name], "\(array.name)")
  }
}

/// Expects that gradients are added to those that are there.
func expectAddsGradients(_ subject: some OperationCase) throws {
  let values = subject.randomValues(seed: 6)
  let upstream = subject.randomUpstream(seed: 6)
  let fresh = try subject.evaluate(values, upstream: upstream)
  let added = try subject.evaluate(values, upstream: upstream, initialGradient: 3)
  for (name, gradient) in fresh.gradients {
    expectClose(try #require(added.gradients[name]), gradient.map { $0 + 3 }, 1e-6, name)
  }
}

/// The hardware's own NaN, and one with a payload, as a corrupt file may hold.
let notNumbers = [Float.nan, -.nan, Float(bitPattern: 0x7fc1_2345)]

/// Puts a NaN into elements of every array, one at a time: an input's has to show in the output
/// and in some gradient, a parameter's in either.
func expectNaNShows(_ subject: some OperationCase) throws {
  let values = subject.randomValues(seed: 1)
  let upstream = subject.randomUpstream(seed: 1)
  let good = try subject.evaluate(values, upstream: upstream)
  #expect(good.out.allSatisfy { $0.isFinite } && good.gradientNorm.isFinite)
  for array in subject.arrays {
    var random = Random(seed: 1, stream: array.name)
    for nan in notNumbers {
      for _ in 0..<4 {
        let index = Int.random(in: 0..<array.count, using: &random)
        var spoiled = values
        spoiled[array.name]?[index] = nan
        let evaluation = try subject.evaluate(spoiled, upstream: upstream)
        let out = evaluation.out.contains { $0.isNaN }
        let what = "\(array.name)[\(index)]"
        #expect(out || !evaluation.gradientNorm.isFinite, "\(what) shows nowhere")
        if array.isInput {
          #expect(out, "\(what) does not show in the output")
          #expect(!evaluation.gradientNorm.isFinite, "\(what) does not show in the gradients")
        }
      }
    }
  }
}

/// Expects that a NaN in the upstream gradient shows in the gradients' norm.
func expectUpstreamNaNShows(_ subject: some OperationCase) throws {
  let values = subject.randomValues(seed: 1)
  for nan in notNumbers {
    var upstream = subject.randomUpstream(seed: 1)
    upstream[upstream.count / 2] = nan
    let evaluation = try subject.evaluate(values, upstream: upstream)
    #expect(!evaluation.gradientNorm.isFinite)
    for array in subject.arrays where array.isInput {
      #expect(evaluation.gradients[array.name]?.contains { $0.isNaN } == true)
    }
  }
}

/// Expects the same bits from any number of threads.
func expectSameOnThreads(_ subject: some OperationCase) throws {
  let values = subject.randomValues(seed: 6)
  let upstream = subject.randomUpstream(seed: 6)
  let alone = try subject.evaluate(values, upstream: upstream)
  for threads in [2, 3, 8] {
    let shared = try subject.evaluate(
      values, upstream: upstream, execution: Execution(threads: threads))
    #expect(shared.out == alone.out && shared.gradients == alone.gradients, "\(threads) threads")
  }
}
