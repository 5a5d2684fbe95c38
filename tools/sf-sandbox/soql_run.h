/* SPDX-License-Identifier: Apache-2.0 */
/* soql_run - runs a plan and builds records in Salesforce's JSON form. */
#ifndef SF_SOQL_RUN_H
#define SF_SOQL_RUN_H

#include "soql_sql.h"

/** Runs the plan; `ret_records` is a new array. -1 (QUERY_TOO_COMPLICATED) when SQLite refuses the statement.
 */
int soql_run_records(struct sf_store *store, const struct sql_plan *plan, json_t **ret_records,
                     struct sf_fail *fail);
/** The prepared and bound statement of a plan, NULL when SQLite refuses it. `skip` leading values stay
 * unbound. */
sqlite3_stmt *soql_run_prepare(struct sf_store *store, const struct sql_plan *plan, struct sf_fail *fail);
/** {"totalSize","done":true,"records"}; takes over `list`. */
json_t *soql_run_result(json_t *list);

#endif
