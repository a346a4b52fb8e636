/// Texts one after another in one array of bytes, for millions of which no object each is made.
package struct NameTable: Sendable {
  private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// Whether all texts are ASCII, whose order is that of their bytes.
  private(set) var isASCII = true

  /// Number of texts.
  package var count: Int { ends.count }

  /// A table without texts.
  package init() {}

  /// Adds `text` in UTF-8.
  mutating func append(_ text: some Sequence<UInt8>) {
    bytes += text
    ends.append(bytes.count)
    let start = ends.count > 1 ? ends[ends.count - 2] : 0
    if isASCII { isASCII = bytes[start...].allSatisfy { $0 < 0x80 } }
  }

  /// The bytes of the text number `item`.
  subscript(item: Int) -> ArraySlice<UInt8> {
    bytes[(item == 0 ? 0 : ends[item - 1])..<ends[item]]
  }

  /// The text number `item`.
  package func text(_ item: Int) -> String { String(decoding: self[item], as: UTF8.self) }

  /// The numbers of the texts in the order of what `key` takes of each.
  func sortedItems(by key: (ArraySlice<UInt8>) -> ArraySlice<UInt8>) -> [Int] {
    Array(0..<count).sorted { one, other in
      let (first, second) = (self[one], self[other])
      let (firstKey, secondKey) = (key(first), key(second))
      switch Self.compare(firstKey, secondKey, areASCII: isASCII) {
      case 0: return Self.compare(first, second, areASCII: isASCII) < 0
      case let sign: return sign < 0
      }
    }
  }

  /// A negative number, 0 or a positive one if `first` comes before `second`, is equal or comes
  /// after it: in the order of strings, in which texts with the same characters are equal.
  /// `areASCII` says that both are known to be ASCII, whose order is that of their bytes.
  static func compare(
    _ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>, areASCII: Bool = false
  ) -> Int {
    let isPlain = areASCII || first.allSatisfy { $0 < 0x80 } && second.allSatisfy { $0 < 0x80 }
    if !isPlain {
      let one = String(decoding: first, as: UTF8.self)
      let other = String(decoding: second, as: UTF8.self)
      return one == other ? 0 : one < other ? -1 : 1
    }
    return first.withUnsafeBufferPointer { one in
      second.withUnsafeBufferPointer { other in
        for index in 0..<min(one.count, other.count) where one[index] != other[index] {
          return one[index] < other[index] ? -1 : 1
        }
        return one.count - other.count
      }
    }
  }
}
