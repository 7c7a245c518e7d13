import Classification
import Configuration
import Glibc
import JSONText
import Selection
import Testing
import Wire

/// Files of the package, found from this file's place.
enum PackageFile {
    struct Missing: Error {
        let path: String
    }

    static func path(_ name: String, from file: String = #filePath) -> String {
        file.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/" + name
    }

    static func text(_ name: String) throws -> String {
        guard let file = unsafe fopen(path(name), "r") else { throw Missing(path: name) }
        defer { unsafe _ = fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe fread(&chunk, 1, chunk.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    static func write(_ bytes: [UInt8], to name: String) throws {
        guard let file = unsafe fopen(path(name), "w") else { throw Missing(path: name) }
        unsafe _ = fwrite(bytes, 1, bytes.count, file)
        unsafe _ = fclose(file)
    }
}

@Suite struct DefaultFileTests {
    @Test func theDefaultFileIsValidAndShowsTheDefaults() throws {
        var file = try Configuration.load(path: PackageFile.path("Config/anabranch.json"))
        #expect(file.pools.map(\.name) == ["web"])
        #expect(file.services.map(\.name) == ["http"])
        let health = try #require(file.pools.first?.health)
        var expected = HealthConfiguration()
        expected.port = 80
        #expect(health == expected)
        file.pools = []
        file.services = []
        #expect(file == .defaults)
    }

    @Test func theDefaultFileMeansWhatItSays() throws {
        let file = try Configuration.load(path: PackageFile.path("Config/anabranch.json"))
        let pool = try #require(file.pool(named: "web"))
        #expect(pool.shards == 4093)
        #expect(pool.backends.map(\.name) == ["b1", "b2", "b3"])
        #expect(pool.backends.map(\.mark) == [0x101, 0x102, 0x103])
        #expect(pool.backends.first?.addresses.map(\.description) == ["10.0.0.11", "fd00::11"])
        #expect(pool.tableMembers.map(\.weight) == [100, 100, 100])
        let service = try #require(file.services.first)
        #expect(service.priority == 100)
        #expect(service.match.protocols == [TransportProtocol.tcp])
        #expect(service.match.destinations.map(\.description) == ["10.0.0.100/32", "fd00::100/128"])
        #expect(service.match.destinationPorts == [80...80, 8000...8100])
        #expect(service.hash == .fourTuple)
        #expect(service.pool == "web")
    }

    /// Every key of the table is in the default file, perhaps behind `//`, so that none goes unexplained.
    @Test func theDefaultFileExplainsEveryKey() throws {
        let lines = try PackageFile.text("Config/anabranch.json").split(
            separator: "\n", omittingEmptySubsequences: false)
        func check(_ schema: JSONValue, _ path: String) {
            for member in schema["properties"]?.object ?? JSONObject() {
                let place = lines.firstIndex { line in
                    let text = line.drop { $0 == " " || $0 == "/" }
                    return text.hasPrefix("\(member.key):")
                }
                #expect(
                    place.map { $0 > 0 && lines[$0 - 1].contains("//") } == true || path.isEmpty, "\(path)\(member.key)"
                )
                check(member.value, "\(path)\(member.key).")
                if let inner = member.value["additionalProperties"] { check(inner, "\(path)\(member.key).*.") }
            }
        }
        check(Configuration.jsonSchema, "")
    }

    /// To renew the file after a change of the keys: `ANABRANCH_WRITE_SCHEMA=1 swift test --filter DefaultFileTests`.
    @Test func theSchemaFileIsTheOneThatTheKeysGive() throws {
        var writer = JSONWriter(.pretty)
        writer.write(Configuration.jsonSchema)
        writer.newline()
        if unsafe getenv("ANABRANCH_WRITE_SCHEMA") != nil {
            try PackageFile.write(writer.bytes, to: "Config/anabranch.schema.json")
        }
        #expect(try PackageFile.text("Config/anabranch.schema.json") == writer.text)
    }

    @Test(arguments: ["dns", "load-balancers", "splitting", "streams"])
    func theExamplesAreValid(_ name: String) throws {
        let file = try Configuration.load(path: PackageFile.path("Config/examples/\(name).json"))
        #expect(!file.services.isEmpty)
        for pool in file.pools { _ = try ShardTable.build(members: pool.tableMembers, size: pool.shards) }
        #expect(try Classifier(file.services).services.count == file.services.count)
    }

    @Test func anEmptyFileMeansAllDefaults() throws {
        #expect(try Configuration.parse(text: "{}", file: "f") == .defaults)
    }

    @Test func whatIsWrittenOutReadsBackTheSame() throws {
        let file = try Configuration.load(path: PackageFile.path("Config/anabranch.json"))
        for configuration in [file, .defaults] {
            var writer = JSONWriter(.pretty)
            writer.write(configuration.json)
            #expect(try Configuration.parse(text: writer.text, file: "f") == configuration)
        }
    }

    @Test func aFileThatCannotBeReadIsSaidLikeAnyOtherFault() {
        let errors = #expect(throws: ConfigurationErrors.self) { try Configuration.load(path: "/nonexistent/a.json") }
        #expect(
            errors?.description == "/nonexistent/a.json:1:1: the file cannot be opened: No such file or directory; "
                + "check its path and permissions")
    }
}
