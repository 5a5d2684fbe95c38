/* SPDX-License-Identifier: Apache-2.0 */
/* routing_stage - the stage's description, apart from main() so that tests can link it. */
#ifndef CF_ROUTING_STAGE_H
#define CF_ROUTING_STAGE_H

#include "worker/worker.h"

extern const struct cf_stage cf_routing_stage;

#endif
