import Configuration
import Testing

@Suite struct SplittingNameTests {
    private func name(_ splitting: String, tier: Bool) throws -> String? {
        let load = "load_balancers: {name: 'lb2', pool: 'balancers'},"
        return try Configuration.parse(
            text: """
                {
                    \(tier ? load : "")
                    pools: {balancers: {backends: {lb2: {mark: 9}}}, p: {backends: {b: {mark: 1, address: '10.0.0.1'}}}},
                    services: {s: {pool: 'p'}},
                    splitting: {key_file: '/k', \(splitting) services: {s: {dscp: 46}}},
                }
                """, file: "f"
        ).splitting?.name
    }

    /// Load balancers of a tier have different names; so they should to the nodes.
    @Test func theNameIsThatInTheTierUnlessTheFileSaysAnother() throws {
        #expect(try name("", tier: false) == "anabranch")
        #expect(try name("", tier: true) == "lb2")
        #expect(try name("name: 'other',", tier: true) == "other")
        #expect(try name("name: 'anabranch',", tier: true) == "anabranch")
    }
}
