import Communication
import Tensor

/// The buffers that gradients travel in, apart from the sums, which stay as each rank made them.
package final class Wire {
  private enum Buffers {
    /// The sums themselves are sent; nothing is received where they are everybody's.
    case float64(receive: UnsafeMutableBufferPointer<Double>)
    case float32(
      send: UnsafeMutableBufferPointer<Float>, receive: UnsafeMutableBufferPointer<Float>)
    case bf16(
      send: UnsafeMutableBufferPointer<BFloat16>, receive: UnsafeMutableBufferPointer<Float>)
  }

  private let buffers: Buffers

  /// Buffers for `count` numbers, or none with zero.
  package init(_ format: WireFormat, count: Int) {
    func make<Element>(_ zero: Element) -> UnsafeMutableBufferPointer<Element> {
      let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: count)
      buffer.initialize(repeating: zero)
      return buffer
    }
    switch format {
    case .float64: buffers = .float64(receive: make(0))
    case .float32: buffers = .float32(send: make(0), receive: make(0))
    case .bf16: buffers = .bf16(send: make(BFloat16(bits: 0)), receive: make(0))
    }
  }

  deinit {
    switch buffers {
    case .float64(let receive): receive.deallocate()
    case .float32(let send, let receive):
      send.deallocate()
      receive.deallocate()
    case .bf16(let send, let receive):
      send.deallocate()
      receive.deallocate()
    }
  }

  /// The reduction that sends `range` of `sums`; nil where nothing has to travel.
  package func reduction(
    of sums: UnsafeMutableBufferPointer<Double>, _ range: Range<Int>
  ) -> Reduction? {
    switch buffers {
    case .float64(let receive):
      if receive.isEmpty { return nil }
      return .float64(
        UnsafeBufferPointer(rebasing: sums[range]),
        into: UnsafeMutableBufferPointer(rebasing: receive[range]))
    case .float32(let send, let receive):
      for i in range { send[i] = Float(sums[i]) }
      return .float32(
        UnsafeBufferPointer(rebasing: send[range]),
        into: UnsafeMutableBufferPointer(rebasing: receive[range]))
    case .bf16(let send, let receive):
      for i in range { send[i] = BFloat16(Float(sums[i])) }
      return .bf16(
        UnsafeBufferPointer(rebasing: send[range]),
        into: UnsafeMutableBufferPointer(rebasing: receive[range]))
    }
  }

  /// mean = scale · what was received, rounded once.
  package func mean(
    of sums: UnsafeMutableBufferPointer<Double>, scale: Double,
    into mean: UnsafeMutableBufferPointer<Float>
  ) {
    switch buffers {
    case .float64(let receive):
      let source = receive.isEmpty ? sums : receive
      guard let from = source.baseAddress, let to = mean.baseAddress else { return }
      kernels.scale(from, by: scale, count: mean.count, out: to)
    case .float32(_, let receive), .bf16(_, let receive):
      for i in mean.indices { mean[i] = Float(Double(receive[i]) * scale) }
    }
  }
}

extension WireFormat {
  /// Bytes of the buffers of one number, on a rank that is not alone.
  package var bufferByteCount: Int {
    switch self {
    case .float64, .float32: 8
    case .bf16: 6
    }
  }
}
