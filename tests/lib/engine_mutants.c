/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_mutants.h"

#include <string.h>

enum cf_engine_mutant cf_engine_mutant;

bool cf_engine_set_mutant(const char *name)
{
#define CF_ENGINE_MUTANT_NAME(id) #id,
    static const char *const names[] = {CF_ENGINE_MUTANT_LIST(CF_ENGINE_MUTANT_NAME)};

    for (int i = 0; i < CF_ENGINE_MUTANTS_N; i++) {
        if (strcmp(names[i], name) == 0) {
            cf_engine_mutant = (enum cf_engine_mutant)i;
            return true;
        }
    }
    return false;
}
