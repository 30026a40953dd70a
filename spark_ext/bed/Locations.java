import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hadoop.hive.metastore.HiveMetaStoreClient;

/**
 * Prints every database, table, partition and function that a metastore holds, one a line, with all fields.
 * It stands outside of Spark and of hybridfs, so it shows what is stored and not what they make of it.
 */
public class Locations {
  public static void main(String[] args) throws Exception {
    HiveConf conf = new HiveConf();
    conf.set("hive.metastore.uris", args[0]);
    HiveMetaStoreClient client = new HiveMetaStoreClient(conf);
    for (String database : client.getAllDatabases()) {
      print(client.getDatabase(database));
      for (String table : client.getAllTables(database)) {
        print(client.getTable(database, table));
        for (Object partition : client.listPartitions(database, table, (short) -1)) {
          print(partition);
        }
      }
    }
    for (Object function : client.getAllFunctions().getFunctions()) {
      print(function);
    }
    client.close();
  }

  private static void print(Object thing) {
    System.out.println(thing.toString().replace("\n", "\\n"));
  }
}
