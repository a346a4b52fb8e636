import Communication
import DistTrain
import Foundation

/// A measured step as `bench step --json` writes it, as far as scaling is about it.
package struct StepRecord: Decodable, Equatable {
  package let preset: String
  /// Utterances of a rank.
  package let batch: Int
  /// Length of an utterance.
  package let seconds: Double
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
  /// Utterances that went backward side by side, if the file says so.
  package let utterancesSideBySide: Int?
  /// Processors of the host of rank 0.
  package let cores: Int
  package let processor: String
  package let scaling: StepScaling
  /// Resident when weights, moments and audio were there, and the most in the steps; if the file
  /// says so.
  package let residentBytesBeforeSteps: Int?
  package let peakResidentBytes: Int?
  /// What `plan` measures beside steps, see `CalibrationFigures`.
  package let scoringSecondsPerAudioSecond: Double?
  package let singleUtteranceDifference: Double?

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

  /// The result in the file at `path`.
  package static func read(_ path: String) throws(ScalingError) -> StepRecord {
    let data = try ScalingFile.read(path)
    do {
      return try JSONDecoder().decode(StepRecord.self, from: data)
    } catch {
      throw .notAStep(path: path)
    }
  }

  /// Slowest less fastest step over the median.
  package var spread: Double { (stepSecondsMaximum - stepSecondsMinimum) / stepSeconds }

  /// Whether ranks had to share cores.
  package var isOversubscribed: Bool { scaling.ranksPerHost * threads > cores }

  /// Utterances of all ranks.
  package var globalBatch: Int { batch * ranks }
}

extension StepRecord {
  /// Bytes that an utterance held which went backward, if the file says so.
  var activationBytes: Int? {
    guard let peakResidentBytes, let residentBytesBeforeSteps else { return nil }
    return (peakResidentBytes - residentBytesBeforeSteps) / max(1, utterancesSideBySide ?? 1)
  }

  /// Utterances that training lets go backward side by side over a network, if they may hold
  /// `bytes` bytes.
  package func sideBySide(within bytes: Int?) -> Int {
    guard let activationBytes, activationBytes > 0 else {
      return SimulatedCluster.defaultSideBySide
    }
    return max(1, (bytes ?? ExchangeSettings.mostOverlapBytes) / activationBytes)
  }
}

extension BenchmarkFile {
  /// What is read of this file, if it is one of steps.
  package func stepRecord() throws -> StepRecord {
    try JSONDecoder().decode(StepRecord.self, from: Data(try json().utf8))
  }
}
