/* The peer of marquee's engine on Kafka: ratings (Avro in Confluent's frame) into 5-minute windows per movie, exactly
 * once, into a compacted topic. What a Kafka Streams user would write: the DSL, a persistent window store (RocksDB) with
 * its changelog, exactly_once_v2, a commit a second, serializers without reflection.
 *
 *   java -cp ... Windows BROKERS IN OUT THREADS RECORDS STATE-DIR
 *
 * Ends when RECORDS have been taken and a commit has made them visible. Prints one line as bench_kafka does. Its seconds
 * run from the first record that it takes, not from the JVM's start, to the last one: what its commit then takes, up to a
 * second of it waiting for its turn, is named beside them and is not in its rate. */
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

public final class Windows {
    static final int FRAME_BYTES = 5;
    static final Duration WINDOW = Duration.ofMinutes(5);
    static final Duration GRACE = Duration.ofHours(52);

    record Rating(int movie, double average, int votes, double popularity, long timestamp) {}

    /* The records of a window, and the last of them. */
    record Aggregate(long count, long last, int votes, double average, double popularity) {
        static final Aggregate EMPTY = new Aggregate(0, Long.MIN_VALUE, 0, 0, 0);
        static final int BYTES = 8 + 8 + 4 + 8 + 8;

        Aggregate with(Rating rating) {
            return rating.timestamp >= last
                ? new Aggregate(count + 1, rating.timestamp, rating.votes, rating.average, rating.popularity)
                : new Aggregate(count + 1, last, votes, average, popularity);
        }
    }

    static long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0;; shift += 7) {
            byte next = bytes.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0)
                return (value >>> 1) ^ -(value & 1);
        }
    }

    static Rating decode(byte[] value) {
        ByteBuffer bytes = ByteBuffer.wrap(value, FRAME_BYTES, value.length - FRAME_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int movie = (int) varint(bytes);
        double average = bytes.getDouble();
        int votes = (int) varint(bytes);
        double popularity = bytes.getDouble();
        return new Rating(movie, average, votes, popularity, varint(bytes));
    }

    static final Serde<Rating> RATING = Serdes.serdeFrom((topic, rating) -> {
        throw new UnsupportedOperationException("ratings are only read");
    }, (topic, value) -> decode(value));

    static final Serializer<Aggregate> WRITE = (topic, a) -> a == null ? null
        : ByteBuffer.allocate(Aggregate.BYTES).putLong(a.count).putLong(a.last).putInt(a.votes).putDouble(a.average)
            .putDouble(a.popularity).array();
    static final Deserializer<Aggregate> READ = (topic, value) -> {
        if (value == null)
            return null;
        ByteBuffer b = ByteBuffer.wrap(value);
        return new Aggregate(b.getLong(), b.getLong(), b.getInt(), b.getDouble(), b.getDouble());
    };

    static Properties settings(String brokers, String threads, String folder) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer-" + Path.of(folder).getFileName());
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        p.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 << 20);
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10000);
        p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "zstd");
        p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
        p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        return p;
    }

    static long peakKilobytes() throws Exception {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElse(0);
    }

    static double cpuSeconds() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime() / 1e9;
    }

    /* Records that its group has committed: what a reader of committed records sees the result of. */
    static long committed(org.apache.kafka.clients.admin.Admin admin, String group, String topic) throws Exception {
        return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().entrySet().stream()
            .filter(entry -> entry.getKey().topic().equals(topic) && entry.getValue() != null)
            .mapToLong(entry -> entry.getValue().offset()).sum();
    }

    public static void main(String[] args) throws Exception {
        String brokers = args[0], in = args[1], out = args[2], threads = args[3], folder = args[5];
        long wanted = Long.parseLong(args[4]);
        AtomicLong first = new AtomicLong(), last = new AtomicLong(), taken = new AtomicLong(), written = new AtomicLong();
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(in, Consumed.with(Serdes.String(), RATING).withTimestampExtractor((record, before) -> {
                first.compareAndSet(0, System.nanoTime());
                return ((Rating) record.value()).timestamp();
            }))
            .groupByKey(Grouped.with(Serdes.String(), RATING))
            .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
            .aggregate(() -> Aggregate.EMPTY, (key, rating, aggregate) -> {
                if (taken.incrementAndGet() == wanted)
                    last.set(System.nanoTime());
                return aggregate.with(rating);
            },
                Materialized.with(Serdes.String(), Serdes.serdeFrom(WRITE, READ)))
            .toStream()
            .map((key, value) -> {
                written.incrementAndGet();
                return KeyValue.pair(key.key() + "@" + key.window().start(), value);
            })
            .to(out, Produced.with(Serdes.String(), Serdes.serdeFrom(WRITE, READ)));
        Properties settings = settings(brokers, threads, folder);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.start();
        double cpuBefore = cpuSeconds();
        try (var admin = org.apache.kafka.clients.admin.Admin.create(Map.of("bootstrap.servers", brokers))) {
            String group = settings.getProperty(StreamsConfig.APPLICATION_ID_CONFIG);
            while (committed(admin, group, in) < wanted)
                Thread.sleep(100);
        }
        double seconds = (last.get() - first.get()) / 1e9, cpu = cpuSeconds() - cpuBefore;
        double committed = (System.nanoTime() - first.get()) / 1e9;
        System.out.printf("streams  %9.0f records/s  (%d records, %d updates written, %s threads, %.2f s, committed after %.2f s, "
            + "%.2f s of CPU, %d MB peak)%n", wanted / seconds, wanted, written.get(), threads, seconds, committed, cpu,
            peakKilobytes() / 1024);
        Runtime.getRuntime().halt(0); // what it leaves, no benchmark reads
    }
}
