extern attend(x, heads = 4) -> [channels(x), sides(x)[0], sides(x)[1]] from "mylayers.attention:Attend"

space s {
  input image: [3, 32, 32]
  block mixed(x) = x >> attend(heads = 2) >> conv(3, k = 1)
  choose op in { conv3: conv_bn_relu(3, k = 3), mixed }
  y = image >> op()
  task t = y >> global_avg_pool() >> linear(10) { loss cross_entropy() }
  aux task u = attend(y) >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
