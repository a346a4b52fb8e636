import Communication
import DistTrain
import Exchange
import Foundation

/// A measured step as `bench step --json` writes it, with the fields that scaling needs.
package struct StepRecord: Decodable, Equatable {
  package let preset: String
  /// Number of utterances of a rank.
  package let batch: Int
  /// Length of an utterance, in seconds.
  package let seconds: Double
  /// Frames of an utterance's spectrum, if the file contains them.
  package let frames: Int?
  package let threads: Int
  package let ranks: Int
  package let recompute: Bool
  package let stepSeconds: Double
  package let stepSecondsMinimum: Double
  package let stepSecondsMaximum: Double
  package let audioSecondsPerSecond: Double
  package let wire: WireFormat
  package let bucketBytes: Int
  package let overlap: Bool
  /// Number of utterances that ran backward at once, if the file contains it.
  package let utterancesSideBySide: Int?
  /// Number of processors of rank 0's host.
  package let cores: Int
  package let processor: String
  package let scaling: StepScaling
  /// Resident memory before the first step and at most during the steps, in bytes, if the file
  /// contains them.
  package let residentBytesBeforeSteps: Int?
  package let peakResidentBytes: Int?
  /// Further figures that `plan` measures, see `CalibrationFigures`.
  package let scoringSecondsPerAudioSecond: Double?
  package let singleUtteranceDifference: Double?

  private enum Key: String, CodingKey {
    case preset, batch, seconds, frames, threads, ranks, recompute, stepSeconds, stepSecondsMinimum
    case stepSecondsMaximum, audioSecondsPerSecond, wire, bucketBytes, overlap
    case utterancesSideBySide, scaling, machine, kind
    case residentBytesBeforeSteps, peakResidentBytes, scoringSecondsPerAudioSecond
    case singleUtteranceDifference
  }

  private struct Machine: Decodable {
    let processor: String
    let cores: Int
  }

  /// Reads a result of `bench step`; keys that older versions do not write may be missing.
  ///
  /// - Throws: `DecodingError` for a result of another benchmark, or without a necessary key.
  package init(from decoder: any Decoder) throws {
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
    frames = try known(.frames)
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
  package static func read(_ path: String) throws(ScalingError) -> StepRecord {
    let data = try ScalingFile.read(path)
    do {
      return try JSONDecoder().decode(StepRecord.self, from: data)
    } catch {
      throw .notAStep(path: path)
    }
  }

  /// Spread of the steps: slowest minus fastest over the median.
  package var spread: Double { (stepSecondsMaximum - stepSecondsMinimum) / stepSeconds }

  /// Whether ranks shared cores.
  package var isOversubscribed: Bool { scaling.ranksPerHost * threads > cores }

  /// Number of utterances of all ranks.
  package var globalBatch: Int { batch * ranks }
}

extension StepRecord {
  /// Memory of an utterance that runs backward, in bytes, if the file contains it.
  var activationBytes: Int? {
    guard let peakResidentBytes, let residentBytesBeforeSteps else { return nil }
    return (peakResidentBytes - residentBytesBeforeSteps) / max(1, utterancesSideBySide ?? 1)
  }

  /// Number of utterances that training runs backward at once over a network, if they may use
  /// `bytes` bytes.
  package func sideBySide(within bytes: Int?) -> Int {
    guard let activationBytes, activationBytes > 0 else {
      return SimulatedCluster.defaultSideBySide
    }
    return max(1, (bytes ?? ExchangeSettings.mostOverlapBytes) / activationBytes)
  }
}

extension BenchmarkFile {
  /// The record of this file, if it is one of steps.
  package func stepRecord() throws -> StepRecord {
    try JSONDecoder().decode(StepRecord.self, from: Data(try json().utf8))
  }
}
