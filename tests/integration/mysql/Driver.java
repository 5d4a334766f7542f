import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** What JDBC drivers say to a server: batches, cursors, procedures, errors. usage: URL */
public class Driver {
	private static void readAll(ResultSet rows) throws SQLException {
		while (rows.next()) {
			rows.getObject(1);
		}
		rows.close();
	}

	public static void main(String[] args) throws SQLException {
		try (Connection c = DriverManager.getConnection(args[0])) {
			Statement s = c.createStatement();
			readAll(s.executeQuery("select seq from seq_1_to_11"));
			try (PreparedStatement p = c.prepareStatement("insert into t (a) values (?)")) {
				for (int i = 0; i < 5; i++) {
					p.setString(1, "j" + i);
					p.addBatch();
				}
				p.executeBatch();
			}
			try (PreparedStatement p = c.prepareStatement("select id, a from t where a like ? and id < ?")) {
				for (int i = 0; i < 3; i++) {
					p.setString(1, "j%");
					p.setInt(2, 1000);
					readAll(p.executeQuery());
				}
			}
			try (PreparedStatement p = c.prepareStatement("select seq from seq_1_to_30")) {
				p.setFetchSize(7);
				readAll(p.executeQuery());
			}
			try {
				s.executeQuery("select * from nothing_java");
			} catch (SQLException e) {
				System.out.println(e.getErrorCode());
			}
			CallableStatement call = c.prepareCall("{call p()}");
			boolean more = call.execute();
			while (more || call.getUpdateCount() != -1) {
				more = call.getMoreResults();
			}
			c.setAutoCommit(false);
			s.executeUpdate("update counter set n = 5");
			c.rollback();
			c.isValid(1);
		}
	}
}
