import Communication
import Files
import Foundation
import Platform
import Tensor
import Tracing

/// How gradients are exchanged; nothing of it changes the result but the wire format.
public struct ExchangeSettings: Equatable, Sendable {
  /// Bytes that travel together.
  public var bucketBytes: Int
  /// How they travel.
  public var wire: WireFormat
  /// Whether they start while backward goes on.
  public var overlaps: Bool
  /// Bytes of activations that items may hold which go backward side by side, to hide the exchange;
  /// nil to choose.
  public var overlapBytes: Int?
  /// Items at the end of a step that go so; nil for as many as `overlapBytes` allow.
  package var itemsBesideTransfer: Int?

  /// Settings of an exchange in buckets of `bucketBytes` bytes, which overlaps with backward unless
  /// `overlaps` is false.
  public init(
    bucketBytes: Int = defaultBucketBytes, wire: WireFormat = .float64, overlaps: Bool = true,
    overlapBytes: Int? = nil
  ) {
    self.bucketBytes = bucketBytes
    self.wire = wire
    self.overlaps = overlaps
    self.overlapBytes = overlapBytes
  }

  /// 1 MB: models have 8 to 37 MB of gradients, and from 0.25 to 4 MB a bucket nothing changes.
  public static let defaultBucketBytes = 1_000_000

  /// Largest memory for activations of a rank in bytes, unless a user sets another.
  package static let mostOverlapBytes = 2_000_000_000

  /// `mostOverlapBytes` for a rank over a network, or its share of a quarter of a host's memory for
  /// `ranks` ranks.
  package static func defaultOverlapBytes(
    ranks: Int, hostMemory: Int = Int(clamping: ProcessInfo.processInfo.physicalMemory)
  ) -> Int {
    min(mostOverlapBytes, hostMemory / 4 / ranks)
  }

  /// Items at the end of a step that go backward side by side on each of `ranksPerHost` ranks of a
  /// host with `hostMemory` bytes, if each item holds `activationBytes`.
  package func itemsBesideTransfer(
    activationBytes: Int, isInsideHost: Bool, ranksPerHost: Int,
    hostMemory: Int = Int(clamping: ProcessInfo.processInfo.physicalMemory)
  ) -> Int {
    if let itemsBesideTransfer { return max(1, itemsBesideTransfer) }
    guard overlaps else { return 1 }
    let bytes =
      overlapBytes
      ?? (isInsideHost
        ? 0 : Self.defaultOverlapBytes(ranks: ranksPerHost, hostMemory: hostMemory))
    return max(1, bytes / max(1, activationBytes))
  }
}

/// The all-reduce of a step's gradients, bucket by bucket, while backward still computes others.
///
/// A step calls `begin`, `count`, then `ready` as gradients become final, then `finish`. Buckets
/// start strictly in their order, the same on all ranks, so that no two ranks can wait for each
/// other in different ones. Whether they start early or all at the end, the sums are the same bit
/// for bit.
public final class GradientExchange {
  /// Result of an exchange.
  public struct Outcome: Equatable, Sendable {
    /// Items of all ranks.
    public let itemCount: Int
    /// Seconds that this rank stood still for it: communication that nothing hid, and waiting for
    /// slower ranks.
    public let exposedSeconds: Double
    /// Seconds from start to end of all its reductions together.
    public let transferSeconds: Double
  }

  /// This rank's sums, untouched by the exchange.
  public let sums: GradientSum
  private let parameters: ParameterArena
  private let communicator: any Communicator
  private let settings: ExchangeSettings
  private let buckets: GradientBuckets
  private let wire: Wire
  private let counts = UnsafeMutableBufferPointer<Double>.allocate(capacity: 2)
  private var next = 0
  /// Notes the reductions of the step under way, if that is traced.
  private var trace: TraceRecorder?
  /// This exchange itself while reductions are under way: they write into its buffers, and an error
  /// between `begin` and `finish` must not free those under them.
  private var underWay: GradientExchange?

  /// An exchange of the gradients of `parameters`. All ranks make it together.
  ///
  /// Throws `ExchangeError.differentBuckets` on all ranks unless they agree about what travels in
  /// which order.
  public init(
    _ parameters: ParameterArena, _ settings: ExchangeSettings = ExchangeSettings(),
    over communicator: any Communicator
  ) throws {
    self.parameters = parameters
    self.communicator = communicator
    self.settings = settings
    sums = GradientSum(parameters)
    buckets = GradientBuckets(
      count: parameters.count, bucketBytes: settings.bucketBytes,
      elementBytes: settings.wire.byteCount)
    // A single rank's sums are everybody's.
    let isAlone = communicator.worldSize == 1 && settings.wire == .float64
    wire = Wire(settings.wire, count: isAlone ? 0 : parameters.count)
    counts.initialize(repeating: 0)
    try verifyOrder()
  }

  deinit { counts.deallocate() }

  /// Items at the end of a step that go backward side by side, if each holds `activationBytes`.
  ///
  /// The more there are, the earlier in a step gradients become final, and the longer is the
  /// backward pass that hides their way over a network. Inside a host there is little to hide.
  /// Ranks may differ: what they send does not.
  public func itemsBesideTransfer(activationBytes: Int) -> Int {
    settings.itemsBesideTransfer(
      activationBytes: activationBytes,
      isInsideHost: communicator.hostSize == communicator.worldSize,
      ranksPerHost: communicator.hostSize)
  }

  /// Buckets of a step.
  public var bucketCount: Int { buckets.ranges.count }

  /// Begins a step: this rank's sums are zero. `trace` gets what happens until `finish`.
  public func begin(trace: TraceRecorder? = nil) {
    sums.reset()
    next = 0
    self.trace = trace
    underWay = self
  }

  /// Says how many items of this rank the sums will be of, once that is known: before any of them
  /// is final, and once in a step.
  public func count(items itemCount: Int) {
    counts[0] = Double(itemCount)
    communicator.startReduction(
      .float64(
        UnsafeBufferPointer(rebasing: counts[..<1]),
        into: UnsafeMutableBufferPointer(rebasing: counts[1...])),
      times: trace?.reduction(bucket: nil, bytes: MemoryLayout<Double>.size))
  }

  /// Says that this rank's sums from element `boundary` on are final.
  public func ready(from boundary: Int) {
    if settings.overlaps { start(from: boundary) }
  }

  /// Waits for all ranks' gradients, and puts their mean over the items of all ranks into the
  /// parameters' gradients.
  ///
  /// Dividing by the number of items of all ranks weights every item alike however unevenly they
  /// are dealt. If no rank has any, the mean is zero.
  public func finish() throws(CommunicationError) -> Outcome {
    start(from: 0)
    let stopwatch = Stopwatch()
    let transfer = try trace.measure(.wait) { () throws(CommunicationError) in
      try communicator.finishReductions()
    }
    underWay = nil
    let exposed = stopwatch.seconds
    // A Double counts exactly up to 2^53.
    let itemCount = Int(counts[1])
    let scale = itemCount == 0 ? 0 : 1 / counts[1]
    trace.measure(.mean) {
      wire.mean(of: sums.buffer, scale: scale, into: parameters.gradients.buffer)
    }
    return Outcome(itemCount: itemCount, exposedSeconds: exposed, transferSeconds: transfer)
  }

  private func start(from boundary: Int) {
    while next < buckets.ranges.count, buckets.ranges[next].lowerBound >= boundary {
      if let reduction = wire.reduction(of: sums.buffer, buckets.ranges[next]) {
        communicator.startReduction(
          reduction, times: trace?.reduction(bucket: next + 1, bytes: reduction.sent.count))
      }
      next += 1
    }
  }

  private func verifyOrder() throws {
    let names = parameters.parameters.map { "\($0.name) \($0.offset) \($0.shape)" }
    let order = buckets.ranges.map { "\($0.lowerBound) \($0.upperBound)" }
    let text = ([settings.wire.rawValue] + names + order).joined(separator: "\n")
    let hashes = try communicator.allGather(UInt64(CRC32C(Array(text.utf8)).value))
    let outsiders = ReplicaCheck.deviating(hashes)
    if !outsiders.isEmpty { throw ExchangeError.differentBuckets(ranks: outsiders) }
  }
}

/// Why gradients cannot be exchanged.
public enum ExchangeError: Error, Equatable, CustomStringConvertible {
  /// These ranks would send others of the model's gradients, or in another order, than the rest.
  case differentBuckets(ranks: [Int])

  /// One sentence that says what to do.
  public var description: String {
    switch self {
    case .differentBuckets(let ranks):
      "the order of the gradients on rank \(ItemList.text(ranks.map(String.init))) is not "
        + "that of the other ranks; start all of them with the same program, --preset, --bucket-mb "
        + "and --wire"
    }
  }
}
