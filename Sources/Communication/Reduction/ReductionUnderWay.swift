import Foundation

/// Which elements of a reduction each rank adds up: consecutive shares, as equal as can be.
///
/// Its numbers stay where they are as long as it lives: MPI may read them until a nonblocking call
/// is complete.
final class ReductionShares {
  private let numbers: UnsafeMutablePointer<Int32>
  private let worldSize: Int
  /// Elements of this rank's share.
  let ownCount: Int
  /// Bytes of an element.
  let elementBytes: Int

  init(count: Int, worldSize: Int, rank: Int, elementBytes: Int) {
    func start(_ rank: Int) -> Int { count * rank / worldSize }
    self.worldSize = worldSize
    self.elementBytes = elementBytes
    ownCount = start(rank + 1) - start(rank)
    numbers = .allocate(capacity: 4 * worldSize)
    for other in 0..<worldSize {
      (numbers + other).initialize(to: Int32(start(other + 1) - start(other)))
      (numbers + worldSize + other).initialize(to: Int32(start(other)))
      (numbers + 2 * worldSize + other).initialize(to: Int32(ownCount))
      (numbers + 3 * worldSize + other).initialize(to: Int32(ownCount * other))
    }
  }

  deinit { numbers.deallocate() }

  /// Elements of each rank's share, and where it begins.
  var lengths: UnsafePointer<Int32> { UnsafePointer(numbers) }
  /// See `lengths`.
  var starts: UnsafePointer<Int32> { UnsafePointer(numbers + worldSize) }
  /// Terms of this rank's share from each rank, and their places.
  var ownLengths: UnsafePointer<Int32> { UnsafePointer(numbers + 2 * worldSize) }
  /// See `ownLengths`.
  var ownStarts: UnsafePointer<Int32> { UnsafePointer(numbers + 3 * worldSize) }
}

/// Nonblocking exchange of bytes between ranks, as a reduction needs it.
protocol ReductionTransport: Sendable {
  associatedtype Request
  var rank: Int { get }
  var worldSize: Int { get }
  /// Starts sending each rank its share of `send`; all ranks' parts of the own one go to `receive`.
  func startScatter(
    _ send: UnsafeRawPointer, into receive: UnsafeMutableRawPointer, _ shares: ReductionShares
  ) throws(CommunicationError) -> Request
  /// Starts sending the own share to all ranks; all shares go to `receive`.
  func startGather(
    _ send: UnsafeRawPointer, into receive: UnsafeMutableRawPointer, _ shares: ReductionShares
  ) throws(CommunicationError) -> Request
  /// Whether it is complete; also what moves it on.
  func isDone(_ request: inout Request) throws(CommunicationError) -> Bool
}

/// One reduction on its way: each rank adds up its share of the elements, in the order of the
/// ranks, and sends the sums to all.
///
/// That moves as many bytes as any all-reduce can, 2(n − 1)/n of the buffer, and the sums depend on
/// nothing but the terms: not on bucket sizes, nor on the algorithms of an MPI library.
struct ReductionUnderWay<Transport: ReductionTransport> {
  private enum Stage {
    case scattering(Transport.Request)
    case gathering(Transport.Request)
    case done
  }

  private let reduction: Reduction
  private let times: ReductionTimes?
  private let shares: ReductionShares
  private let terms: UnsafeMutableRawBufferPointer
  private let sums: UnsafeMutableRawBufferPointer
  private var stage: Stage

  init(
    _ reduction: Reduction, times: ReductionTimes? = nil, _ transport: Transport
  ) throws(CommunicationError) {
    self.reduction = reduction
    self.times = times
    times?.begin()
    let bytes = reduction.elementBytes
    shares = ReductionShares(
      count: reduction.count, worldSize: transport.worldSize, rank: transport.rank,
      elementBytes: bytes)
    let own = shares.ownCount
    terms = .allocate(byteCount: max(1, own * transport.worldSize * bytes), alignment: 64)
    // Where sums are received in the form they travel in, there is no need for a place of their
    // own.
    let gathered = if case .bf16 = reduction { own + reduction.count } else { own }
    sums = .allocate(byteCount: max(1, gathered * bytes), alignment: 64)
    guard let send = reduction.sent.baseAddress, let base = terms.baseAddress else {
      stage = .done
      return
    }
    stage = .scattering(try transport.startScatter(send, into: base, shares))
  }

  /// Goes on as far as it can without waiting; whether it is complete. Sums start on their way only
  /// if `mayGather`, since all ranks have to send those of all reductions in one order.
  mutating func advance(
    _ transport: Transport, mayGather: Bool
  ) throws(CommunicationError) -> Bool {
    if case .scattering(var request) = stage {
      let hasTerms = try transport.isDone(&request)
      guard hasTerms && mayGather else {
        stage = .scattering(request)
        return false
      }
      addTerms(ranks: transport.worldSize, own: shares.ownCount)
      guard let sent = sums.baseAddress, let received else { return true }
      stage = .gathering(try transport.startGather(sent, into: received, shares))
    }
    if case .gathering(var request) = stage {
      guard try transport.isDone(&request) else {
        stage = .gathering(request)
        return false
      }
      finish()
      stage = .done
    }
    return true
  }

  /// Whether its sums are on their way, so that those of the next reduction may follow.
  var hasGathered: Bool { if case .scattering = stage { false } else { true } }

  /// It is complete: its memory is no longer needed.
  func end() {
    times?.complete()
    terms.deallocate()
    sums.deallocate()
  }

  private var received: UnsafeMutableRawPointer? {
    switch reduction {
    case .float64(_, let receive): UnsafeMutableRawPointer(receive.baseAddress)
    case .float32(_, let receive): UnsafeMutableRawPointer(receive.baseAddress)
    case .bf16: sums.baseAddress.map { $0 + (sums.count - reduction.count * 2) }
    }
  }

  private func addTerms(ranks: Int, own: Int) {
    guard let first = terms.baseAddress, let base = sums.baseAddress else { return }
    let bytes = own * reduction.elementBytes
    Reduction.addInRankOrder(
      reduction.format, terms: (0..<ranks).map { UnsafeRawPointer(first + $0 * bytes) },
      count: own, into: base)
  }

  private func finish() {
    guard case .bf16 = reduction, let received else { return }
    reduction.receive(received)
  }
}
