import Adversarial
import DistTrain
import Recipes
import Testing

/// However the global batch is dealt to ranks, both networks have the same bits after each step.
@Suite(.serialized) struct AdversarialRanksTests {
  private static let orders = [
    published(),
    published { $0.missing = .utterance },
    published {
      $0.order = .discriminatorFirst
      $0.from = .epoch(1)
      ($0.beta, $0.labelOffset, $0.labelScale) = (1, -1, 3.5)
      ($0.weight, $0.magnitudeEpsilon, $0.clip) = (0.05, 0, nil)
      $0.terms = [.clean, .estimate]
      $0.missing = .clean
    },
    published {
      $0.order = .discriminatorFirst
      $0.missing = .utterance
    },
  ]

  /// Six steps of two an epoch, so that the generator begins to use the discriminator after four;
  /// one utterance has no label.
  @Test(arguments: orders) func ranksShareABatch(recipe: DiscriminatorRecipe) throws {
    try AdversarialBench.with(silent: [3]) { bench in
      let one = try bench.run(bench.configuration(ranks: 1, recipe), steps: 6)[0]
      #expect(one.skipped == Array(repeating: false, count: 6))
      #expect(one.duels.map(\.isUsed) == (1...6).map { recipe.from == .epoch(1) || $0 > 4 })
      #expect(one.duels.contains { $0.labelledCount < 4 })
      #expect(one.duels.contains { $0.labelledCount == 4 })
      for (ranks, threads) in [(2, 1), (4, 1), (1, 3)] {
        let outcomes = try bench.run(
          bench.configuration(ranks: ranks, recipe), steps: 6, threads: threads)
        for outcome in outcomes {
          #expect(outcome.losses == one.losses)
          for step in 0..<6 {
            let isSame = outcome.tensors[step] == one.tensors[step]
            #expect(isSame, "\(ranks) ranks, \(threads) threads, step \(step + 1)")
            #expect(outcome.duels[step].figures == one.duels[step].figures)
          }
        }
      }
    }
  }

  /// Labels, dropout and the generator's term do something, each of its own.
  @Test func everyPartMatters() throws {
    try AdversarialBench.with { bench in
      func weights(_ recipe: DiscriminatorRecipe, from: Int) throws -> [[Float]] {
        try bench.run(bench.configuration(ranks: 1, recipe), steps: from)[0].tensors[from - 1]
      }
      let usual = try weights(published(), from: 5)
      let labels = try weights(published { $0.labelOffset = 0.25 }, from: 5)
      #expect(labels[3] != usual[3])
      let term = try weights(published { $0.terms = [.estimate, .clean] }, from: 5)
      #expect(term[3] != usual[3])
      let weight = try weights(published { $0.weight = 0.5 }, from: 5)
      #expect(weight[0] != usual[0])
      // Before it is used the discriminator changes nothing in the generator.
      let unused = try weights(published { $0.weight = 0.5 }, from: 4)
      #expect(unused[0] == (try weights(published(), from: 4))[0])
      #expect(unused[0] == (try weights(published { $0.labelOffset = 0 }, from: 4))[0])
    }
  }

  /// The published rule: one crop without label, on whichever rank, and the discriminator stays.
  @Test func aMissingLabelOfTheBatchStopsTheDiscriminator() throws {
    try AdversarialBench.with(silent: [3]) { bench in
      for ranks in [1, 2] {
        for outcome in try bench.run(bench.configuration(ranks: ranks), steps: 6) {
          for (step, duel) in outcome.duels.enumerated() {
            let isWhole = duel.labelledCount == 4
            #expect(duel.hasMoved == isWhole)
            #expect(duel.passCount == (isWhole ? 3 : 0) + (duel.isUsed ? 1 : 0))
            guard step > 0 else { continue }
            let (before, after) = (outcome.tensors[step - 1], outcome.tensors[step])
            #expect((before[3] == after[3]) == !isWhole, "weights")
            #expect((before[4] == after[4]) == (duel.passCount == 0), "spectral norms")
            #expect(before[0] != after[0], "the generator goes on")
          }
          // Each of the three epochs has the crop once; other crops may lie in a pause.
          #expect(outcome.adamSteps == outcome.duels.count { $0.hasMoved })
          #expect(outcome.adamSteps > 0 && outcome.adamSteps <= 3)
        }
      }
    }
  }

  @Test func aMissingLabelOfAnUtteranceConcernsThatAlone() throws {
    try AdversarialBench.with(silent: [3]) { bench in
      let recipe = published { $0.missing = .utterance }
      let outcome = try bench.run(bench.configuration(ranks: 2, recipe), steps: 4)[0]
      #expect(outcome.duels.allSatisfy { $0.hasMoved && $0.passCount == 3 })
      #expect(outcome.duels.count { $0.labelledCount < 4 } >= 2)
      #expect(outcome.adamSteps == 4)
    }
  }

  /// Without any label there is the perfect pair to learn, unless the batch needs all labels.
  @Test(arguments: DiscriminatorRecipe.Missing.allCases)
  func aBatchWithoutAnyLabel(missing: DiscriminatorRecipe.Missing) throws {
    try AdversarialBench.with(silent: Array(0..<8)) { bench in
      let recipe = published { $0.missing = missing }
      let outcome = try bench.run(bench.configuration(ranks: 2, recipe), steps: 2)[0]
      for duel in outcome.duels {
        #expect(duel.hasMoved == (missing != .batch) && duel.estimateLoss == nil)
        #expect(duel.passCount == (missing == .batch ? 0 : 3) && duel.loss == duel.cleanLoss)
      }
    }
  }
}
