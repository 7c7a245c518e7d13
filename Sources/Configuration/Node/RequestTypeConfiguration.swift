/// What a node does with the chunks and jobs of one request type.
public struct RequestTypeConfiguration: Equatable, Sendable {
    /// The name of the type that stands for all that are not named.
    public static var fallbackName: String { "default" }

    /// Its name, as the load balancers' configuration has it.
    public var name = ""
    /// The processor that works on its chunks.
    public var processor = ""
    /// How urgent it is in the priority queue, 0 most, 7 least.
    public var urgency = 3
    /// How long one chunk, or joining one job, may take.
    public var timeLimit = Duration.seconds(1)
    /// The processor that joins results unless the load balancer names one; nil: concatenation in order.
    public var aggregation: String?
}

extension RequestTypeConfiguration: NamedBlock {
    static var blank: RequestTypeConfiguration { RequestTypeConfiguration() }

    static var keys: [Key<RequestTypeConfiguration>] {
        [
            Key("processor", \.processor, .name, required: true, "The processor that works on its chunks."),
            Key("class", \.urgency, .integer(0...7), "How urgent it is in the priority queue: 0 most, 7 least."),
            Key(
                "time_limit", \.timeLimit, .duration(.milliseconds(1)...(.seconds(600))),
                "How long one chunk, or joining one job, may take."),
            Key(
                "aggregation", \.aggregation, Rule.name.optional(),
                "The processor that joins the results, unless the load balancer names one; in order if absent."),
        ]
    }
}
