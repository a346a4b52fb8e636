import Checkpoints
import Communication
import Corpora
import Foundation
import Loading
import Metrics
import Platform
import Recipes
import RunFiles
import Tensor

// The lines of a job about its run, before the first step and after the last.
extension TrainingJob {
  func describe(_ end: JobEnd, _ log: RunLog) {
    let left = end.uptime - ProcessInfo.processInfo.systemUptime
    log.line("time left: \(TimeSpan.text(left)) (\(end.origin)); saves and stops before")
  }

  func describe(
    _ trainer: Trainer, _ utterances: RunUtterances, _ log: RunLog
  ) {
    let (train, valid) = (utterances.train, utterances.validated)
    let configuration = request.configuration
    let state = trainer.state
    let folder = request.runFolder.url.path(percentEncoded: false)
    let frontEnd = configuration.model.frontEnd
    func minutes(_ samples: Int) -> String {
      String(format: "%.1f min", frontEnd.seconds(sampleCount: samples) / 60)
    }
    log.line(
      "\(Program.nameAndVersion): \(configuration.model.title) (\(configuration.model.name)), "
        + NumberText.count(state.model.parameters.parameterCount, "parameter")
        + ", \(kernels.instructionSet) kernels")
    log.line(
      "ranks \(communicator.worldSize), batch \(configuration.batch)"
        + (configuration.accumulate > 1 ? " × \(configuration.accumulate) accumulated" : "")
        + " per rank, global batch \(configuration.globalBatch), crops of "
        + "\(configuration.cropSeconds) s"
        + (request.threads > 1 ? ", \(request.threads) threads per rank" : "")
        + (request.recomputes ? ", activations recomputed" : ""))
    let cores = ProcessInfo.processInfo.activeProcessorCount
    if request.threads > cores {
      log.warning(
        "--threads \(request.threads), but a rank here may use only "
          + "\(NumberText.count(cores, "core")): threads will wait for each other; give each rank "
          + "its cores (mpirun --map-by slot:PE=\(request.threads), srun "
          + "--cpus-per-task=\(request.threads)) or lower --threads")
    }
    log.line(
      "data \(request.corpus.data): train \(NumberText.count(train.pairs.count, "utterance")) "
        + "(\(minutes(train.pairs.sampleCount))), valid \(valid.count) "
        + "(\(minutes(valid.reduce(0) { $0 + $1.sampleCount })))"
        + (request.validation.isBesideTraining ? ", validated beside training" : ""))
    if let rule = configuration.recipe.bestBy {
      log.line("the best weights are those with the best \(rule)")
    } else if !ScoreColumn.pesqWB.isDefined(sampleRate: frontEnd.sampleRate) {
      log.line(
        "the best weights are those with the highest SI-SDR: pesq_wb is defined at "
          + "\(PESQ.sampleRate) Hz only, and the model takes \(frontEnd.sampleRate) Hz")
    }
    if let headers = utterances.headers { log.line(headers) }
    for file in train.skipped { log.warning("left out: \(file)") }
    if let fault = request.fault {
      log.warning(
        "a fault is injected on purpose (\(FaultInjection.variable)=\(fault)); unset the variable "
          + "for a real run")
    }
    if !trainer.frozen.names.isEmpty {
      let (count, numbers) = (trainer.frozen.names.count, trainer.frozen.valueCount)
      log.line(
        "frozen: \((configuration.frozen ?? []).joined(separator: " ")), "
          + "\(NumberText.count(count, "tensor")) of \(state.model.parameters.parameters.count), "
          + "\(NumberText.grouped(numbers)) of "
          + "\(NumberText.grouped(state.model.parameters.parameterCount)) numbers do not move")
    }
    log.line(
      "\(NumberText.count(trainer.stepsPerEpoch, "step")) an epoch, "
        + NumberText.count(configuration.epochs, "epoch") + ", rate "
        + "\(configuration.learningRate) (\(configuration.schedule.rawValue), warm-up "
        + "\(trainer.schedule.warmupSteps)), clip "
        + "\(configuration.clip.map { "\($0)" } ?? "none"), averaging "
        + "\(configuration.averageDecay.map { "\($0)" } ?? "off"), seed \(configuration.seed)")
    if let adversarial = state.adversarial,
      let text = configuration.discriminatorText(adversarial)
    {
      log.line(text.line)
      if let warning = text.warning { log.warning(warning) }
    }
    if let name = request.recipe?.name {
      log.line("recipe \(name), resolved in \(request.runFolder.file(.recipe).lastPathComponent)")
    }
    for line in batchLines(steps: trainer.stepsPerEpoch) {
      line.isWarning ? log.warning(line.text) : log.line(line.text)
    }
    log.line(
      request.resumes
        ? "run folder \(folder), continued after step \(state.progress.step)"
        : "run folder \(folder)")
    log.append(
      .start(
        .init(
          step: state.progress.step, program: Program.nameAndVersion,
          model: configuration.model.name, ranks: communicator.worldSize,
          kernels: kernels.instructionSet, data: request.corpus.data,
          corpus: CorpusName.of(train.pairs) ?? "another", epochs: configuration.epochs,
          stepsPerEpoch: trainer.stepsPerEpoch,
          audioSecondsPerStep: Double(configuration.globalBatch) * configuration.cropSeconds)))
  }

  /// How the global batch differs from the recipe's, and what follows for the rate.
  func batchLines(steps: Int) -> [(text: String, isWarning: Bool)] {
    let configuration = request.configuration
    guard let meant = configuration.recipe.globalBatch, meant != configuration.globalBatch else {
      return []
    }
    let (base, rate) = (configuration.recipe.learningRate, configuration.learningRate)
    let scaling = configuration.recipe.scaling
    let factor = NumberText.setting(configuration.batchFactor)
    let difference =
      // Not "global batch", which another line has that people look for by these words.
      "a step has \(NumberText.count(configuration.globalBatch, "utterance")), "
      + "\(factor) × the recipe's \(meant)"
    guard scaling != .none else { return [(difference + "; the rate stays \(rate)", false)] }
    let other = configuration.adversary.map {
      ", and leaves the discriminator's at \($0.learningRate)"
    }
    let changed =
      difference + "; scaling \(scaling.rawValue) takes the rate from \(base) to "
      + NumberText.setting(rate) + (other ?? "")
    let isSudden =
      rate > base && configuration.recipe.warmup.steps(perEpoch: steps) == 0
    return [
      isSudden ? (changed + " without a warm-up; give --warmup", true) : (changed, false)
    ]
  }

  /// Reports the result of a complete run.
  ///
  /// - Throws: `RootFailure` on all ranks if nobody should use it.
  func conclude(_ ground: Ground) throws {
    let log = ground.log
    let progress = ground.state.progress
    if progress.skippedSteps > 0 {
      let were = NumberText.agree(progress.skippedSteps, "was", "were")
      log.warning(
        progress.rollbacks == 0
          ? "\(progress.skippedSteps) of \(NumberText.count(progress.step, "step")) \(were) skipped"
          : "\(NumberText.count(progress.skippedSteps, "step")) \(were) skipped, and the run went "
            + "back " + NumberText.count(progress.rollbacks, "time")
            + ", to a learning rate × \(progress.rateFactor)")
    }
    let best = request.runFolder.best.path(percentEncoded: false)
    if let score = progress.bestScore, let epoch = progress.bestEpoch {
      let meaning = SelectionMeaning(request.configuration)
      let (own, asked) = (progress.bestBy ?? "\(meaning.standard)", meaning.text(epoch: epoch))
      if own != asked {
        log.warning(
          "no epoch was chosen by \(asked): the run was complete before; the best is by \(own)")
      }
      let text =
        own == asked
        ? request.configuration.selection.text(score) : String(format: "%.4f by %@", score, own)
      log.line("best \(text) in epoch \(epoch): \(best)")
    }
    let steps = UtteranceOrder.stepsPerEpoch(
      request.configuration, utterances: ground.utterances.train.pairs.count)
    try root.run {
      try RunResultError.require(progress, request.runFolder, stepsPerEpoch: steps)
    }
  }
}
