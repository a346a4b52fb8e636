import ArgumentParser
import Corpora
import DistTrain

/// How `train` reads its corpus.
struct CorpusOptions: ParsableArguments {
  @Option(help: "Unusable files: stop, or skip (left out and listed).")
  var onBadFile = OnBadFile.stop

  @Option(parsing: .upToNextOption, help: "VoiceBank-DEMAND speakers kept for validation.")
  var validationSpeakers = PairedDataset.voiceBankValidationSpeakers

  /// The corpus `data`, read in this way from where `staging` puts it.
  func request(_ data: String, _ staging: StagingOptions) -> CorpusRequest {
    var request = CorpusRequest(data: data)
    request.stage = staging.stage
    request.onBadFile = onBadFile
    request.validationSpeakers = validationSpeakers
    return request
  }
}

extension OnBadFile: ExpressibleByArgument {}
