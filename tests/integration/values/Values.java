/* Gives a prepared statement values of many types, as Java applications do. usage: URL. SPDX-License-Identifier: Apache-2.0 */
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;

public class Values {
	public static void main(String[] args) throws SQLException {
		boolean postgres = args[0].startsWith("jdbc:postgresql");
		String[] casts = {"int4", "int8", "float8", "numeric", "text", "text", "bytea", "date", "timestamp", "bool", "int4"};
		StringBuilder sql = new StringBuilder("select 'values'");
		for (String cast : casts)
			sql.append(", ?").append(postgres ? "::" + cast : "");
		try (Connection c = DriverManager.getConnection(args[0]); PreparedStatement p = c.prepareStatement(sql.toString())) {
			for (int i = 0; i < 7; i++) { /* PostgreSQL's driver sends binary forms only after some times */
				p.setInt(1, -7 - i);
				p.setLong(2, 9223372036854775807L);
				p.setDouble(3, 0.1);
				p.setBigDecimal(4, new BigDecimal("-12345.6700"));
				p.setString(5, "it's ä €");
				p.setString(6, "");
				p.setBytes(7, new byte[] {0, (byte)0xff, 1});
				p.setDate(8, Date.valueOf("2024-02-29"));
				p.setTimestamp(9, Timestamp.valueOf("2024-12-31 23:59:58.123456"));
				p.setBoolean(10, true);
				p.setNull(11, Types.INTEGER);
				try (ResultSet r = p.executeQuery()) {
					while (r.next())
						r.getString(1);
				}
			}
		}
	}
}
