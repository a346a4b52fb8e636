import Adversarial
import Audio
import Evaluation
import Loading
import Losses
import Models
import Recipes
import Tensor

/// One utterance's forward pass, loss and backward pass, seen tensor by tensor.
package struct UtteranceInspection: Sendable {
  /// The utterance.
  package let name: String
  /// Its loss.
  package let loss: Float
  /// Norm of its gradient.
  package let gradientNorm: Double
  /// All tensors in the order of computation: input, parameters, forward, backward.
  package let observations: [Inspector.Observation]

  /// The first tensor that is not finite, with its circumstances; nil if all are.
  package var finding: NonFiniteFinding? {
    guard let first = observations.first(where: { !$0.statistics.isFinite }) else { return nil }
    func isFinite(_ stage: Inspector.Observation.Stage) -> Bool {
      observations.allSatisfy { $0.stage != stage || $0.statistics.isFinite }
    }
    return NonFiniteFinding(
      utterance: name, observation: first, isInputFinite: isFinite(.input),
      areWeightsFinite: isFinite(.weights))
  }
}

/// Computes utterances with an inspector on the tape.
package struct UtteranceInspector {
  /// Name of the layer under which what goes in is observed.
  package static let inputLayer = "input"

  private let model: SpeechEnhancer
  private let execution: Execution
  private let stft: STFT
  private let loss: TrainingLoss
  private let adversary: AdversarialInspection?

  /// Inspects `model`, trained with `losses`, as it stands, running as `execution` says, and the
  /// passes of a discriminator, if there is an `adversary`.
  package init(
    _ model: SpeechEnhancer, _ losses: LossSettings = .published,
    _ execution: Execution = Execution(), adversary: AdversarialInspection? = nil
  ) {
    loss = TrainingLoss(losses, model.configuration.frontEnd)
    self.model = model
    self.adversary = adversary
    stft = STFT(model.configuration.frontEnd)
    self.execution = Execution(threads: execution.threads, recomputes: execution.recomputes)
  }

  /// Computes the utterance `name` as a training step does; `noisy` and `clean` are its samples at
  /// the rate of the model's front end. A crop that is `judged` goes through the passes of the
  /// discriminator, too. Overwrites the gradients of the model's parameters and changes nothing
  /// else.
  package func inspect(
    _ name: String, noisy: [Float], clean: [Float], judged: JudgedCrop? = nil
  ) throws(STFTError) -> UtteranceInspection {
    let spectra = (noisy: try stft.tensor(of: noisy), clean: try stft.tensor(of: clean))
    let inputs = [
      ("noisy samples", noisy), ("clean samples", clean),
      ("noisy spectrogram", spectra.noisy.elements), ("clean spectrogram", spectra.clean.elements),
    ].map { tensor, values in
      Inspector.Observation(
        stage: .input, layer: Self.inputLayer, tensor: tensor,
        statistics: TensorStatistics(values))
    }
    let parameters = model.parameters
    parameters.zeroGradients()
    let inspector = Inspector(parameters)
    let tape = Tape(execution, inspector: inspector)
    let enhanced = model(spectra.noisy, tape)
    let loss = Float(loss(enhanced, spectra.clean, tape))
    let forwardCount = inspector.observations.count
    let duel = duel(judged, spectra, enhanced)
    tape.backward()
    let norm = GradientNorm(parameters).value
    // The layers are known by now, and parameters come before the first of them.
    let weights = parameters.parameters.map { parameter in
      Inspector.Observation(
        stage: .weights, layer: inspector.layer(of: parameter), tensor: parameter.name,
        statistics: TensorStatistics(
          UnsafeBufferPointer(start: parameter.value, count: parameter.count)))
    }
    var computed = Array(inspector.observations[..<forwardCount])
    computed += duel.before
    computed += inspector.observations[forwardCount...]
    computed += overflow(of: norm, inspector.observations)
    return UtteranceInspection(
      name: name, loss: loss, gradientNorm: norm,
      observations: inputs + weights + computed + duel.after)
  }

  /// Observations of the discriminator in the order of the step: those before the model's backward
  /// pass, and those after it.
  private func duel(
    _ judged: JudgedCrop?, _ spectra: BatchItem, _ estimate: Tensor
  ) -> (before: [Inspector.Observation], after: [Inspector.Observation]) {
    guard let adversary, let judged else { return ([], []) }
    adversary.take(
      utterance: judged.utterance, clean: spectra.clean, estimate: estimate, noisy: spectra.noisy,
      execution)
    let own = adversary.ownPasses(judged.labels, execution)
    let term = adversary.generatorTerm(estimate: estimate, execution)
    if adversary.isFirst { return (adversary.weights + own + term, []) }
    return (adversary.weights + term, own)
  }

  /// The norm, where the squares overflow of gradients that are finite.
  private func overflow(
    of norm: Double, _ computed: [Inspector.Observation]
  ) -> [Inspector.Observation] {
    guard !norm.isFinite, computed.allSatisfy(\.statistics.isFinite) else { return [] }
    let largest = computed.filter { $0.stage == .backward && !$0.tensor.contains("output") }
      .max { $0.statistics.largest < $1.statistics.largest }
    guard let largest else { return [] }
    return [
      Inspector.Observation(
        stage: .backward, layer: largest.layer, tensor: "square of the \(largest.tensor)",
        statistics: TensorStatistics([Float(norm)]))
    ]
  }
}
