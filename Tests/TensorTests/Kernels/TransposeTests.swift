import KernelAPI
import Tensor
import Testing

/// Blocks in registers and the edges around them.
@Suite struct TransposeTests {
  @Test(arguments: [1, 3, 15, 16, 17, 40, 128], [1, 4, 16, 30, 31, 64, 129])
  func everyElementInPlace(rows: Int, columns: Int) {
    for kernel in availableKernels {
      let x = KernelBuffer((0..<rows * columns).map { Float($0) })
      let stride = rows + 5
      let buffer = KernelBuffer(columns * stride, repeating: -1)
      kernel.transpose(x.matrix(columns), into: buffer.matrix(rows, stride: stride))
      let out = buffer.elements
      #expect(buffer.isIntact)
      for column in 0..<columns {
        for row in 0..<stride {
          let expected = row < rows ? Float(row * columns + column) : -1
          #expect(out[column * stride + row] == expected, "\(row) \(column)")
        }
      }
    }
  }
}
