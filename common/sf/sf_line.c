/* SPDX-License-Identifier: Apache-2.0 */
#include "sf/sf_priv.h"

void sf_line_init(struct sf_link *line)
{
    line->next = line->prev = line;
}

static void put_between(struct sf_link *link, struct sf_link *before, struct sf_link *behind)
{
    link->prev = before;
    link->next = behind;
    before->next = behind->prev = link;
}

void sf_line_put_first(struct sf_link *line, struct sf_link *link)
{
    put_between(link, line, line->next);
}

void sf_line_put_last(struct sf_link *line, struct sf_link *link)
{
    put_between(link, line->prev, line);
}

void sf_line_remove(struct sf_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = link;
}

struct sf_link *sf_line_first(const struct sf_link *line)
{
    return line->next == line ? NULL : line->next;
}

struct sf_link *sf_line_behind(const struct sf_link *line, const struct sf_link *link)
{
    return link->next == line ? NULL : link->next;
}
