import KernelAPI

/// Sums of weights' gradients: those of one thread, or of all.
final class GradientSums<Parts> {
  /// The sums.
  let parts: Parts
  private let slab: Slab

  /// Zeros.
  init(_ parts: (inout SlabCarver) -> Parts) {
    (slab, self.parts) = Slab.carved(zeroed: true, parts)
  }

  /// Adds the sums to those of `total` and becomes zero.
  func move(to total: GradientSums) { slab.move(to: total.slab) }
}

/// Results of forward that backward reads, tile by tile: kept for backward, or computed again.
final class TileActivations<Parts> {
  private let slab: Slab
  private let kept: [Parts]
  private let parts: (inout SlabCarver, Tile) -> Parts
  /// Whether those of all tiles are kept.
  let areKept: Bool

  /// Room for the activations of all tiles if they are kept, otherwise none.
  init(_ tiling: Tiling, areKept: Bool, _ parts: @escaping (inout SlabCarver, Tile) -> Parts) {
    self.areKept = areKept
    self.parts = parts
    let tiles = areKept ? tiling.tiles : []
    (slab, kept) = Slab.carved { carver in tiles.map { parts(&carver, $0) } }
  }

  /// Room for one tile among a thread's buffers; nil where all are kept.
  func room(_ carver: inout SlabCarver, _ tile: Tile) -> Parts? {
    areKept ? nil : parts(&carver, tile)
  }

  /// The kept activations of `tile`; nil where none are kept.
  func kept(_ tile: Tile) -> Parts? { areKept ? kept[tile.index] : nil }

  /// The place for the activations of `tile`: among the kept ones, or a thread's room.
  func place(of tile: Tile, room: Parts?) -> Parts {
    guard let place = kept(tile) ?? room else {
      preconditionFailure("TileActivations: no room for a tile")
    }
    return place
  }

  /// The activations of `tile` for backward: as forward kept them, or as `recompute` makes them
  /// again in `room`.
  func recalled(_ tile: Tile, room: Parts?, recompute: (Parts) -> Void) -> Parts {
    let parts = place(of: tile, room: room)
    if !areKept { recompute(parts) }
    return parts
  }
}

extension Execution {
  /// As many workers as can be busy with `tasks` tasks at once.
  func workers<Worker>(tasks: Int, _ make: () -> Worker) -> [Worker] {
    (0..<min(threads, tasks)).map { _ in make() }
  }

  /// As many workers as can be busy with the groups of `tiling` at once.
  func workers<Worker>(for tiling: Tiling, _ make: () -> Worker) -> [Worker] {
    workers(tasks: tiling.parts.map(\.count).max() ?? 0, make)
  }

  /// Calls `body` with each tile of `groups` and the buffers of the thread that has it.
  func run<Parts>(
    _ groups: [[Tile]], _ workers: [ThreadScratch<Tile, Parts>], _ body: (Tile, Parts) -> Void
  ) {
    parallel(threads, tasks: groups.count) { group, worker in
      for tile in groups[group] { body(tile, workers[worker].carve(tile)) }
    }
  }

  /// Calls `body` with each tile of `groups` and the buffers and gradient sums of the thread that
  /// has it; adds the sums of each group to `total`, first to last.
  func run<Parts, Sums>(
    _ groups: [[Tile]],
    _ workers: [(scratch: ThreadScratch<Tile, Parts>, sums: GradientSums<Sums>)],
    addingTo total: GradientSums<Sums>, _ body: (Tile, Parts, Sums) -> Void
  ) {
    let order = OrderedSection()
    parallel(threads, tasks: groups.count) { group, index in
      let worker = workers[index]
      for tile in groups[group] { body(tile, worker.scratch.carve(tile), worker.sums.parts) }
      order.run(group) {
        profile.measure(.gradients, .backward, .uncounted) { worker.sums.move(to: total) }
      }
    }
  }
}
