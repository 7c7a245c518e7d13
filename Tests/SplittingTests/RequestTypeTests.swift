import Splitting
import Testing

@Suite("Request types and triggers")
struct RequestTypeTests {
    private func type(_ service: ServiceSplitting, _ payload: String) -> String {
        service.requestType(of: Array(payload.utf8).span)
    }

    @Test func theFirstRuleThatMatchesNamesTheType() {
        let service = ServiceSplitting(
            requestType: "other",
            rules: [
                RequestTypeRule(requestType: "image", prefix: "IMG"),
                RequestTypeRule(requestType: "any-i", prefix: "I"),
                RequestTypeRule(requestType: "low", offset: 2, value: [0x03], mask: [0x0F]),
            ])
        #expect(type(service, "IMG1") == "image")
        #expect(type(service, "INT1") == "any-i")
        #expect(type(service, "xxC") == "low")
        #expect(type(service, "xxD") == "other")
        #expect(type(service, "") == "other")
    }

    @Test func aPayloadThatEndsBeforeTheBytesIsOfNoSuchType() {
        let rule = RequestTypeRule(requestType: "t", offset: 3, value: [1, 2])
        #expect(rule.matches([0, 0, 0, 1].span) == false)
        #expect(rule.matches([0, 0, 0, 1, 2].span) == true)
    }

    @Test func rulesThatCannotMatchAreErrors() {
        #expect(throws: SettingsError.self) { try RequestTypeRule(requestType: "t", prefix: "").validate() }
        #expect(throws: SettingsError.self) { try RequestTypeRule(requestType: "", prefix: "a").validate() }
        #expect(throws: SettingsError.self) {
            try RequestTypeRule(requestType: "t", offset: 70_000, value: [1]).validate()
        }
        #expect(throws: SettingsError.self) {
            try RequestTypeRule(requestType: "t", offset: 0, value: [1, 2], mask: [0xFF]).validate()
        }
        #expect(throws: SettingsError.self) {
            try RequestTypeRule(requestType: "t", offset: 0, value: [0x81], mask: [0x7F]).validate()
        }
        #expect(throws: Never.self) { try RequestTypeRule(requestType: "t", prefix: "GET ").validate() }
    }

    @Test func onlyFlaggedAndLargePayloadsTrigger() {
        let service = ServiceSplitting(dscp: 10, maximumPacketSize: 1400)
        #expect(service.triggers(dscp: 10, payloadBytes: 1401))
        #expect(!service.triggers(dscp: 10, payloadBytes: 1400))
        #expect(!service.triggers(dscp: 11, payloadBytes: 60_000))
        #expect(ServiceSplitting(dscp: nil, maximumPacketSize: 0).triggers(dscp: 0, payloadBytes: 1))
        #expect(throws: SettingsError.self) { try ServiceSplitting(dscp: 64).validate() }
        #expect(throws: SettingsError.self) { try ServiceSplitting(maximumPacketSize: 65_536).validate() }
    }
}
