import Communication
import DistTrain
import Exchange
import Foundation

/// A way to add a buffer over all ranks.
package protocol Reducer {
  var elementBytes: Int { get }
  func fill(_ value: Double)
  func run() throws
  func holds(_ value: Double) -> Bool
}

/// The exchange of gradients in buckets, without computing that hides it.
package final class ExchangeReducer: Reducer {
  package let elementBytes: Int
  private let communicator: any Communicator
  private let sums: UnsafeMutableBufferPointer<Double>
  private let mean: UnsafeMutableBufferPointer<Float>
  private let wire: Wire
  private let buckets: GradientBuckets

  /// Exchange of `count` sums, which start as zeros, in buckets of `bucketBytes` on the wire.
  package init(
    count: Int, wire format: WireFormat, bucketBytes: Int, _ communicator: any Communicator
  ) {
    self.communicator = communicator
    elementBytes = format.byteCount
    sums = .allocate(capacity: count)
    sums.initialize(repeating: 0)
    mean = .allocate(capacity: count)
    mean.initialize(repeating: 0)
    wire = Wire(format, count: count)
    buckets = GradientBuckets(
      count: count, bucketBytes: bucketBytes, elementBytes: format.byteCount)
  }

  deinit {
    sums.deallocate()
    mean.deallocate()
  }

  package func fill(_ value: Double) { sums.update(repeating: value) }

  package func run() throws {
    start()
    try finish()
  }

  /// Starts the reductions of all buckets.
  package func start() {
    for range in buckets.ranges {
      if let reduction = wire.reduction(of: sums, range) { communicator.startReduction(reduction) }
    }
  }

  /// Waits for the reductions of all buckets.
  package func finish() throws { _ = try communicator.finishReductions() }

  package func holds(_ value: Double) -> Bool {
    wire.mean(of: sums, scale: 1, into: mean)
    // The sums are small integers, which 8 significant bits represent for up to 22 ranks.
    return mean.allSatisfy { abs(Double($0) - value) <= value / 128 }
  }
}

/// The all-reduce of the MPI library, in double precision and in place.
package final class PlainReducer: Reducer {
  package let elementBytes = 8
  private let communicator: any Communicator
  private let values: UnsafeMutableBufferPointer<Double>

  /// All-reduce of `count` numbers, which start as zeros.
  package init(count: Int, _ communicator: any Communicator) {
    self.communicator = communicator
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }

  package func fill(_ value: Double) { values.update(repeating: value) }
  package func run() throws { try communicator.allReduceSum(values) }
  package func holds(_ value: Double) -> Bool { values.allSatisfy { $0 == value } }
}
