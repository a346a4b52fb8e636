import Foundation
import Platform

/// A failure on rank 0 that every rank has been told of.
public struct RootFailure: Error, Equatable, CustomStringConvertible {
  /// Description of rank 0's error.
  public let description: String
  /// Whether this rank is the one to print it.
  public let isOwn: Bool
}

/// Lets rank 0 do what one process should do (look at disks, decide), and all ranks have the
/// result, or the failure.
///
/// Without it a missing folder would be reported by every rank, or by one while the others wait.
public struct RootDecision {
  private let communicator: any Communicator

  /// Decisions of rank 0 for all ranks of `communicator`.
  public init(_ communicator: any Communicator) { self.communicator = communicator }

  /// The bytes that `body` returns on rank 0, on all ranks.
  ///
  /// - Throws: `RootFailure` on all ranks if `body` throws there.
  public func bytes(_ body: () throws -> [UInt8]) throws -> [UInt8] {
    var message: [UInt8] = []
    if communicator.isRoot {
      do {
        message = [1] + (try body())
      } catch {
        message = [0] + Array(ErrorText.sentence(error).utf8)
      }
    }
    let received = try communicator.broadcast(message, root: 0)
    guard received.first == 1 else {
      throw RootFailure(
        description: String(decoding: received.dropFirst(), as: UTF8.self),
        isOwn: communicator.isRoot)
    }
    return Array(received.dropFirst())
  }

  /// The value that `body` returns on rank 0, on all ranks.
  ///
  /// - Throws: `RootFailure` on all ranks if `body` throws there.
  public func value<Value: Codable>(_ body: () throws -> Value) throws -> Value {
    // A list of one: some values are no JSON document by themselves.
    let bytes = try bytes { Array(try JSONEncoder().encode([try body()])) }
    return try JSONDecoder().decode([Value].self, from: Data(bytes))[0]
  }

  /// Runs `body` on rank 0, and returns on all ranks when it is done.
  ///
  /// - Throws: `RootFailure` on all ranks if `body` throws there.
  public func run(_ body: () throws -> Void) throws {
    _ = try bytes {
      try body()
      return []
    }
  }

  /// Fails on all ranks with the text of rank 0's `error`.
  ///
  /// - Throws: `RootFailure` on all ranks, always.
  public func fail(_ error: any Error) throws -> Never {
    try run { throw error }
    preconditionFailure("RootDecision: rank 0 threw, and its message says that it did not")
  }

  /// Every rank's `value`, by rank, on rank 0; nil elsewhere.
  public func gather<Value: Codable>(_ value: Value) throws -> [Value]? {
    // A list of one: some values are no JSON document by themselves.
    let bytes = Array(try JSONEncoder().encode([value]))
    return try communicator.gather(bytes, root: 0)?.map {
      try JSONDecoder().decode([Value].self, from: Data($0))[0]
    }
  }

  /// Returns the result of `body`, which every rank runs for itself.
  ///
  /// - Throws: `RootFailure` on all ranks, with one text, if `body` throws on any.
  public func together<Value>(_ body: () throws -> Value) throws -> Value {
    let result = Result { try body() }
    var text = ""
    if case .failure(let error) = result { text = ErrorText.sentence(error) }
    let texts = try communicator.gather(Array(text.utf8), root: 0)
    try run {
      guard let texts, let rank = texts.firstIndex(where: { !$0.isEmpty }) else { return }
      let text = String(decoding: texts[rank], as: UTF8.self)
      let isCommon = texts.allSatisfy { $0 == texts[rank] }
      throw RootFailure(description: isCommon ? text : "rank \(rank): \(text)", isOwn: true)
    }
    return try result.get()
  }
}
