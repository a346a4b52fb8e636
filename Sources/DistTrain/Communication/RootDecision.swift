/// A failure on rank 0 that every rank has been told of.
public struct RootFailure: Error, Equatable, CustomStringConvertible {
  /// What rank 0's error said.
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

  /// For the ranks of `communicator`.
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
        message = [0] + Array("\(error)".utf8)
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
}
