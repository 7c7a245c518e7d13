import Testing

/// Runs a suite while no other such suite runs: what measures loss must not have the machine's cores taken away by
/// another network.
struct Exclusive: SuiteTrait, TestScoping {
    private static let turns = Turns()

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Self.turns.take()
        do {
            try await function()
            await Self.turns.give()
        } catch {
            await Self.turns.give()
            throw error
        }
    }
}

extension Trait where Self == Exclusive {
    /// No two such suites at once.
    static var exclusive: Exclusive { Exclusive() }
}

/// One at a time, in the order they came.
private actor Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if !isTaken {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
