import Foundation

/// A measured step as `bench step --json` writes it, with the fields that scaling needs.
struct StepRecord: Decodable, Equatable {
  let preset: String
  /// Number of utterances of a rank.
  let batch: Int
  /// Length of an utterance, in seconds.
  let seconds: Double
  let threads: Int
  let ranks: Int
  let recompute: Bool
  let stepSeconds: Double
  let stepSecondsMinimum: Double
  let stepSecondsMaximum: Double
  let audioSecondsPerSecond: Double
  let wire: WireFormat
  let bucketBytes: Int
  let overlap: Bool
  /// Number of utterances that ran backward at once, if the file contains it.
  let utterancesSideBySide: Int?
  /// Number of processors of rank 0's host.
  let cores: Int
  let processor: String
  let scaling: StepScaling
  /// Resident memory before the first step and at most during the steps, in bytes, if the file
  /// contains them.
  let residentBytesBeforeSteps: Int?
  let peakResidentBytes: Int?
  /// Further figures that `plan` measures, see `CalibrationFigures`.
  let scoringSecondsPerAudioSecond: Double?
  let singleUtteranceDifference: Double?

  private enum Key: String, CodingKey {
    case preset, batch, seconds, threads, ranks, recompute, stepSeconds, stepSecondsMinimum
    case stepSecondsMaximum, audioSecondsPerSecond, wire, bucketBytes, overlap
    case utterancesSideBySide, scaling, machine, kind
    case residentBytesBeforeSteps, peakResidentBytes, scoringSecondsPerAudioSecond
    case singleUtteranceDifference
  }

  private struct Machine: Decodable {
    let processor: String
    let cores: Int
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func value<Value: Decodable>(_ key: Key) throws -> Value {
      try container.decode(Value.self, forKey: key)
    }
    guard try container.decode(String.self, forKey: .kind) == "step" else {
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: container, debugDescription: "another benchmark")
    }
    preset = try value(.preset)
    batch = try value(.batch)
    seconds = try value(.seconds)
    threads = try value(.threads)
    ranks = try value(.ranks)
    recompute = try value(.recompute)
    stepSeconds = try value(.stepSeconds)
    stepSecondsMinimum = try value(.stepSecondsMinimum)
    stepSecondsMaximum = try value(.stepSecondsMaximum)
    audioSecondsPerSecond = try value(.audioSecondsPerSecond)
    wire = try value(.wire)
    bucketBytes = try value(.bucketBytes)
    overlap = try value(.overlap)
    func known<Value: Decodable>(_ key: Key) throws -> Value? {
      try container.decodeIfPresent(Value.self, forKey: key)
    }
    utterancesSideBySide = try known(.utterancesSideBySide)
    residentBytesBeforeSteps = try known(.residentBytesBeforeSteps)
    peakResidentBytes = try known(.peakResidentBytes)
    scoringSecondsPerAudioSecond = try known(.scoringSecondsPerAudioSecond)
    singleUtteranceDifference = try known(.singleUtteranceDifference)
    let machine: Machine = try value(.machine)
    cores = machine.cores
    processor = machine.processor
    scaling = try value(.scaling)
  }

  /// Reads the result in the file at `path`.
  ///
  /// - Throws: `ScalingError` if the file cannot be read or is no result of `bench step`.
  static func read(_ path: String) throws(ScalingError) -> StepRecord {
    let data = try ScalingFile.read(path)
    do {
      return try JSONDecoder().decode(StepRecord.self, from: data)
    } catch {
      throw .notAStep(path: path)
    }
  }

  /// Spread of the steps: slowest minus fastest over the median.
  var spread: Double { (stepSecondsMaximum - stepSecondsMinimum) / stepSeconds }

  /// Whether ranks shared cores.
  var isOversubscribed: Bool { scaling.ranksPerHost * threads > cores }

  /// Number of utterances of all ranks.
  var globalBatch: Int { batch * ranks }
}

extension StepRecord {
  /// Memory of an utterance that runs backward, in bytes, if the file contains it.
  var activationBytes: Int? {
    guard let peakResidentBytes, let residentBytesBeforeSteps else { return nil }
    return (peakResidentBytes - residentBytesBeforeSteps) / max(1, utterancesSideBySide ?? 1)
  }

  /// Number of utterances that training runs backward at once over a network, if they may use
  /// `bytes` bytes.
  func sideBySide(within bytes: Int?) -> Int {
    guard let activationBytes, activationBytes > 0 else {
      return SimulatedCluster.defaultSideBySide
    }
    return max(1, (bytes ?? ExchangeSettings.mostOverlapBytes) / activationBytes)
  }
}

extension BenchmarkFile {
  /// The record of this file, if it is one of steps.
  func stepRecord() throws -> StepRecord {
    try JSONDecoder().decode(StepRecord.self, from: Data(try json().utf8))
  }
}
