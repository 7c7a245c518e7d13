import Testing
import Wire

@Suite struct AddressTests {
    /// What is read, and how it is written: the examples of RFC 5952 and the edges of each form.
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("FD00::00A1", "fd00::a1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("::ffff:c000:201", "::ffff:192.0.2.1"),
    ])
    func anAddressIsWrittenCanonically(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(networkBytes: address.networkBytes) == address)
    }

    @Test(arguments: [
        "", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.01", "10.0.0.-1", " 10.0.0.1", "10.0.0.1 ", "1.2.3.",
        ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "fe80::1%0",
        "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4::", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "+1.2.3.4", "::+1",
    ])
    func whatIsNoAddressIsRefused(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func wordsHoldTheBytesAsTheyLieInAPacket() throws {
        let four = try #require(IPAddress("1.2.3.4"))
        #expect(four == IPAddress(1, 2, 3, 4))
        #expect(four.word0 == UInt32(bigEndian: 0x0102_0304))
        #expect((four.word1, four.word2, four.word3) == (0, 0, 0))
        let six = try #require(IPAddress("102:304:506:708:90a:b0c:d0e:f10"))
        #expect(six.word3 == UInt32(bigEndian: 0x0D0E_0F10))
        #expect(IPAddress("0.0.0.0") != IPAddress("::"))
        #expect(IPAddress(networkBytes: [1, 2, 3]) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"), ("10.1.2.3", "10.1.2.3", "10.1.2.2"),
        ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"), ("0.0.0.0/0", "1.2.3.4", "::"),
        ("10.0.0.0/31", "10.0.0.1", "10.0.0.2"), ("::/0", "fd00::1", "10.0.0.1"),
        ("fd00::/8", "fdff::1", "fe00::"), ("2001:db8:0:8000::/49", "2001:db8:0:ffff::", "2001:db8::"),
        ("fd00::1/128", "fd00::1", "fd00::2"), ("fd00:0:0:1::/64", "fd00:0:0:1:ffff::", "fd00:0:0:2::"),
    ])
    func aPrefixHoldsItsAddressesAndNoOthers(_ text: String, _ inside: String, _ outside: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.contains(try #require(IPAddress(inside))))
        #expect(!prefix.contains(try #require(IPAddress(outside))))
        #expect(IPPrefix(prefix.description) == prefix)
        #expect(IPPrefix(masking: try #require(IPAddress(inside)), length: Int(prefix.length)) == prefix)
    }

    @Test(arguments: [
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "fd00::1/64", "fd00::/129",
        "fd00::/+8", "10.0.0.0/1000",
    ])
    func aPrefixWithHostBitsOrABadLengthIsRefused(_ text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func endpointsAreReadAndWritten() throws {
        let four = try #require(Endpoint("10.0.0.1:80"))
        #expect(four.address == IPAddress(10, 0, 0, 1) && four.port == 80)
        let six = try #require(Endpoint("[fd00::1]:65535"))
        #expect(six.address == IPAddress("fd00::1") && six.port == 65_535)
        for text in ["10.0.0.1:80", "[fd00::1]:65535", "[::]:0"] {
            #expect(Endpoint(text)?.description == text)
        }
    }

    @Test(arguments: [
        "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:+1", ":80", "fd00::1:80", "[fd00::1]", "[10.0.0.1]:80",
        "[fd00::1:80", "fd00::1]:80", "10.0.0.1:8 0", "",
    ])
    func whatIsNoEndpointIsRefused(_ text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test func protocolsHaveNamesBothWays() {
        #expect(TransportProtocol.number(named: "UDP") == TransportProtocol.udp)
        #expect(TransportProtocol.number(named: "icmpv6") == 58)
        #expect(TransportProtocol.number(named: "0") == 0)
        #expect(TransportProtocol.number(named: "255") == 255)
        #expect(TransportProtocol.number(named: "256") == nil)
        #expect(TransportProtocol.number(named: "+6") == nil)
        #expect(TransportProtocol.number(named: "") == nil)
        #expect(TransportProtocol.number(named: "quic") == nil)
        for number in UInt8.min...UInt8.max {
            #expect(TransportProtocol.number(named: TransportProtocol.name(of: number)) == number)
        }
        #expect(Set(TransportProtocol.knownNames).count == TransportProtocol.knownNames.count)
    }
}
