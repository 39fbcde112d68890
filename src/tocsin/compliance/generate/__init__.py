"""From the text of a regulation to a set of drafts that people review: text → chunks → rules → items → checks.

The way is that of SafeEvalAgent (arXiv 2509.26100): atomic rules with what an answer should and should not do, and one group of
items in several formats for each. Prompts and checks are our own.
"""
