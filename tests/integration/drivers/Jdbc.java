/* What a Java application does with PostgreSQL. SPDX-License-Identifier: Apache-2.0 */
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.PGConnection;

public class Jdbc {
	static int rows(ResultSet r) throws SQLException {
		int n = 0;
		while (r.next())
			n++;
		return n;
	}

	static void expect(int want, int got) {
		if (want != got)
			throw new IllegalStateException("expected " + want + ", got " + got);
	}

	public static void main(String[] args) throws Exception {
		try (Connection c = DriverManager.getConnection(args[0]); Statement s = c.createStatement()) {
			s.execute("drop table if exists jdbc");
			s.execute("create table jdbc (n int primary key, s text)");
			/* from the fifth time on it is a prepared statement of the server */
			try (PreparedStatement p = c.prepareStatement("insert into jdbc values (?, ?)")) {
				for (int i = 0; i < 12; i++) {
					p.setInt(1, i);
					p.setString(2, "row " + i);
					expect(1, p.executeUpdate());
				}
				for (int i = 12; i < 30; i++) {
					p.setInt(1, i);
					p.setString(2, "batch");
					p.addBatch();
				}
				expect(18, p.executeBatch().length);
			}
			try (PreparedStatement p = c.prepareStatement("select * from jdbc where n < ?")) {
				for (int i = 0; i < 10; i++) {
					p.setInt(1, i);
					expect(i, rows(p.executeQuery()));
				}
			}
			s.execute("select 1; select 2");
			try {
				s.execute("select * from nothing");
			} catch (SQLException e) {
				expect(0, e.getSQLState().equals("42P01") ? 0 : 1);
			}
			c.setAutoCommit(false);
			s.setFetchSize(7); /* a portal, read in parts */
			expect(30, rows(s.executeQuery("select n from jdbc order by n")));
			c.commit();
			try (PreparedStatement p = c.prepareStatement("select 10 / ?::int")) {
				p.setInt(1, 0);
				p.executeQuery();
			} catch (SQLException e) {
				c.rollback();
			}
			c.setAutoCommit(true);
			var copy = c.unwrap(PGConnection.class).getCopyAPI();
			expect(2, (int) copy.copyIn("copy jdbc from stdin", new StringReader("100\tone\n101\ttwo\n")));
			StringWriter out = new StringWriter();
			expect(32, (int) copy.copyOut("copy jdbc to stdout", out));
		}
	}
}
