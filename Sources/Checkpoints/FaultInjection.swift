import Adversarial
import Files
import Foundation
import Recipes

/// Why `DISTTRAIN_FAULT` cannot be followed.
public enum FaultInjectionError: Error, Equatable, CustomStringConvertible {
  /// Not of the form `NAME@key=value,…`.
  case malformed(text: String)
  /// No fault has this name.
  case unknownName(name: String)
  /// No fault has this key.
  case unknownKey(key: String)
  /// The value is no whole number that makes sense.
  case badValue(key: String, value: String)
  /// The fault needs this key.
  case missingKey(key: String)
  /// The fault strikes a discriminator, and the recipe has none.
  case noDiscriminator(fault: FaultInjection)

  /// One sentence naming the variable and what is allowed.
  public var description: String {
    let variable = FaultInjection.variable
    switch self {
    case .malformed(let text):
      let standing = FaultInjection.Kind.allCases.filter(\.isStanding).map(\.rawValue)
      return "\(variable) is \"\(text)\", but has the form NAME@step=20,rank=0, or is one of "
        + standing.joined(separator: ", ")
    case .unknownName(let name):
      let names = FaultInjection.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      return "\(variable): there is no fault \"\(name)\"; the faults are \(names)"
    case .unknownKey(let key):
      return "\(variable): there is no key \"\(key)\"; the keys are step and rank"
    case .badValue(let key, let value):
      return "\(variable): \(key) is \"\(value)\", but must be a whole number of at least 0"
    case .missingKey(let key):
      return "\(variable): the key \(key) is missing"
    case .noDiscriminator(let fault):
      return
        "\(variable) is \"\(fault)\", but the recipe has no discriminator; unset the variable, "
        + "or take a recipe with one, such as published-gan"
    }
  }
}

/// A fault that is made on purpose, at one step on one rank or all the time, to see what becomes of
/// the run.
///
/// Asked for by the environment variable `DISTTRAIN_FAULT`, such as
/// `kill-in-checkpoint@step=20,rank=0`, or `no-locks`.
public struct FaultInjection: Equatable, Sendable {
  /// The environment variable.
  public static let variable = "DISTTRAIN_FAULT"

  /// Faults that can be injected.
  public enum Kind: String, CaseIterable, Sendable {
    /// SIGKILL when half of a checkpoint is written.
    case killInCheckpoint = "kill-in-checkpoint"
    /// A flipped bit in the file of a checkpoint, after it was written and before it is verified.
    case damageCheckpoint = "damage-checkpoint"
    /// The reading of the next step's first crop never returns.
    case loopInLoader = "loop-in-loader"
    /// SIGSTOP before the next step.
    case stopProcess = "stop-process"
    /// A NaN in a weight of one rank, before its step `step` (`NumericalFault`).
    case poisonWeight = "poison-weight"
    /// A NaN in the gradient sums of one rank in its step `step`.
    case poisonGradient = "poison-gradient"
    /// A NaN in the noisy samples of one rank's first utterance of step `step`.
    case poisonInput = "poison-input"
    /// A NaN in a weight of the discriminator of one rank, before its step `step`.
    case poisonDiscriminatorWeight = "poison-discriminator-weight"
    /// A NaN in the gradient sums of the discriminator of one rank in its step `step`.
    case poisonDiscriminatorGradient = "poison-discriminator-gradient"
    /// A NaN in the label of one rank's first crop with a label in its step `step`.
    case poisonLabel = "poison-label"
    /// A file system without locks.
    case noLocks = "no-locks"
    /// A file system without symbolic links.
    case noSymbolicLinks = "no-symlinks"
    /// A file system without links of any kind.
    case noLinks = "no-links"

    /// Whether it holds from the start to the end, on all ranks, and has no step.
    var isStanding: Bool { [.noLocks, .noSymbolicLinks, .noLinks].contains(self) }

    /// Whether only a run with a discriminator can suffer it.
    var concernsDiscriminator: Bool {
      [.poisonDiscriminatorWeight, .poisonDiscriminatorGradient, .poisonLabel].contains(self)
    }
  }

  /// The fault.
  public let kind: Kind
  /// Steps of the run that are done then; of poisoned numbers the step that meets them, from 1.
  public let step: Int
  /// Where; rank 0 if nothing is said.
  public let rank: Int

  /// Reads `NAME@key=value,…`, or the name alone of a fault without a step.
  public init(parsing text: String) throws(FaultInjectionError) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 1, let kind = Kind(rawValue: text), kind.isStanding {
      self.kind = kind
      (step, rank) = (0, 0)
      return
    }
    guard parts.count == 2 else { throw .malformed(text: text) }
    guard let kind = Kind(rawValue: String(parts[0])) else {
      throw .unknownName(name: String(parts[0]))
    }
    if kind.isStanding { throw .malformed(text: text) }
    var values: [String: Int] = [:]
    for pair in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
      let sides = pair.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard sides.count == 2 else { throw .malformed(text: text) }
      guard ["step", "rank"].contains(sides[0]) else { throw .unknownKey(key: sides[0]) }
      guard let value = Int(sides[1]), value >= 0 else {
        throw .badValue(key: sides[0], value: sides[1])
      }
      values[sides[0]] = value
    }
    guard let step = values["step"] else { throw .missingKey(key: "step") }
    self.kind = kind
    self.step = step
    rank = values["rank"] ?? 0
  }

  /// The fault that `environment` asks for; nil if it asks for none.
  public init?(environment: [String: String]) throws(FaultInjectionError) {
    guard let text = environment[Self.variable], !text.isEmpty else { return nil }
    try self.init(parsing: text)
  }

  /// Throws unless a run of `configuration` can suffer the fault.
  package func check(_ configuration: TrainingConfiguration) throws(FaultInjectionError) {
    if kind.concernsDiscriminator && configuration.adversary == nil {
      throw .noDiscriminator(fault: self)
    }
  }

  /// Whether the fault `kind` is due after `step` steps on `rank`.
  public func strikes(_ kind: Kind, step: Int, rank: Int) -> Bool {
    self.kind == kind && self.step == step && self.rank == rank
  }

  /// Flips one bit in the middle of the file at `path`.
  static func flipBit(in path: String) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    defer { try? file.close() }
    let middle = try file.seekToEnd() / 2
    try file.seek(toOffset: middle)
    guard let byte = try file.read(upToCount: 1)?.first else { return }
    try file.seek(toOffset: middle)
    try file.write(contentsOf: Data([byte ^ 1]))
    try file.synchronize()
  }
}

extension FaultInjection: CustomStringConvertible {
  /// As the environment variable has it.
  public var description: String {
    kind.isStanding ? kind.rawValue : "\(kind.rawValue)@step=\(step),rank=\(rank)"
  }
}

extension FaultInjection {
  /// The best link that the file system has.
  var bestLink: FileLink {
    switch kind {
    case .noLinks: .copy
    case .noSymbolicLinks: .hard
    default: .symbolic
    }
  }
}
